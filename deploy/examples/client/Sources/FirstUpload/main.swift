// usage: FirstUpload FILE URL CA
import XStreamClient

let words = CommandLine.arguments
let client = try UploadClient(ClientConfiguration(trust: .caFile(words[3])))
let upload = client.start(.file(words[1]), to: try UploadURL(words[2]))
for await progress in upload.progress {
  print("\(progress.safe) of \(progress.total ?? 0) bytes are safe")
}
let outcome = try await upload.outcome
print("complete: \(outcome.bytes) bytes, as \(outcome.key)")
