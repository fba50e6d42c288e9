// The types of other modules that this one's declarations speak of: a program imports `XStreamClient` alone.
@_exported public import struct HTTPUpload.HTTPSURL
@_exported public import struct HTTPUpload.HTTPSURLError
@_exported public import struct NIOCore.ByteBuffer
@_exported public import struct TLSTransport.TLSClientConfiguration
@_exported public import enum TLSTransport.TLSConfigurationError
@_exported public import struct XStream.ResumePoint
@_exported public import enum XStream.Status
@_exported public import struct XStream.StreamDigest
@_exported public import struct XStream.StreamFormat
@_exported public import struct XStream.StreamKey
@_exported public import struct XStream.StreamName
@_exported public import struct XStream.TraceParent
@_exported public import struct XStream.XStreamURL
@_exported public import struct XStream.XStreamURLError
