import Metrics

/// Every metric of a gateway. docs/metrics.md has a row for each, and a test holds the two together.
enum Families {
  // What clients bring.
  static let received = MetricFamily(
    "sluice_received_bytes_total", .counter,
    "Bytes of uploads that arrived, also those that a client had to send again.")
  static let offered = MetricFamily("sluice_uploads_offered_total", .counter, "Uploads that were offered a place.")
  static let resumed = MetricFamily(
    "sluice_uploads_resumed_total", .counter, "Offers to go on with what an earlier connection began.")
  static let ended = MetricFamily(
    "sluice_uploads_ended_total", .counter, "Connections' parts in uploads, by how they ended and why.")
  static let refused = MetricFamily(
    "sluice_requests_refused_total", .counter, "Requests that were refused before there was an upload.")
  static let open = MetricFamily("sluice_uploads_open", .gauge, "Uploads that a connection has now.")
  static let duration = MetricFamily(
    "sluice_upload_duration_seconds", .histogram, "From a connection's request to the end of its part in an upload.")
  static let size = MetricFamily("sluice_upload_size_bytes", .histogram, "Complete uploads by size.")
  static let rate = MetricFamily(
    "sluice_upload_rate_bytes_per_second", .histogram, "Parts of 64 KiB or more by the rate at which they came.")

  // Connections.
  static let connections = MetricFamily("sluice_connections_open", .gauge, "Client connections now.")
  static let connectionLimit = MetricFamily("sluice_connections_limit", .gauge, "The most client connections at once.")
  static let accepted = MetricFamily(
    "sluice_connections_accepted_total", .counter, "Client connections that were let in.")
  static let turnedAway = MetricFamily(
    "sluice_connections_turned_away_total", .counter, "Client connections that were one too many.")
  static let handshakes = MetricFamily("sluice_tls_handshakes_total", .counter, "TLS handshakes that were completed.")
  static let failedHandshakes = MetricFamily(
    "sluice_tls_handshake_failures_total", .counter, "TLS handshakes that were not, by reason.")
  static let handshakeTime = MetricFamily(
    "sluice_tls_handshake_duration_seconds", .histogram, "From an accepted connection to the end of its handshake.")
  static let certificateExpiry = MetricFamily(
    "sluice_certificate_expiry_timestamp_seconds", .gauge, "When a certificate's chain is valid no more.")

  // Memory.
  static let memory = MetricFamily(
    "sluice_memory_bytes", .gauge, "Bytes of uploads that were received and not passed on.")
  static let connectionMemory = MetricFamily(
    "sluice_connection_memory_bytes", .gauge, "What connections hold by being there, as it is reckoned.")
  static let memoryLimit = MetricFamily(
    "sluice_memory_limit_bytes", .gauge, "The most of both, over all uploads and connections.")

  // Quotas and room.
  static let quotaUsed = MetricFamily(
    "sluice_quota_used_bytes", .gauge, "What complete uploads of a route take of its quota.")
  static let quotaReserved = MetricFamily(
    "sluice_quota_reserved_bytes", .gauge, "What unfinished uploads of a route have reserved of its quota.")
  static let quotaCap = MetricFamily("sluice_quota_cap_bytes", .gauge, "What a route may hold in all.")
  static let storeFree = MetricFamily("sluice_store_free_bytes", .gauge, "What is free on a store's file system.")
  static let storeReserved = MetricFamily(
    "sluice_store_reserved_bytes", .gauge, "What of that is promised to uploads, of all stores on that file system.")

  // Disks.
  static let syncTime = MetricFamily("sluice_store_sync_duration_seconds", .histogram, "How long a store's syncs took.")
  static let syncFiles = MetricFamily("sluice_store_sync_files", .histogram, "Files that one sync made durable.")
  static let jobWait = MetricFamily(
    "sluice_store_job_wait_seconds", .histogram, "How long jobs of a store waited for a thread.")
  static let spaceRefused = MetricFamily(
    "sluice_store_space_refused_total", .counter, "Uploads that a store had not a byte of room for.")
  static let commitTime = MetricFamily(
    "sluice_ledger_commit_duration_seconds", .histogram, "How long the ledger's transactions took, flush included.")
  static let commitCalls = MetricFamily("sluice_ledger_commit_calls", .histogram, "Calls that shared one transaction.")
  static let commitFailures = MetricFamily(
    "sluice_ledger_failures_total", .counter, "Transactions that came to nothing.")

  // Backends.
  static let backendUp = MetricFamily(
    "sluice_backend_up", .gauge, "1 where a backend could be reached at last, else 0.")
  static let backendUploads = MetricFamily("sluice_backend_uploads", .gauge, "Streams to a backend now.")
  static let backendOpened = MetricFamily(
    "sluice_backend_connections_total", .counter, "Connections to backends for new uploads, by whether they came about."
  )
  static let backendTime = MetricFamily(
    "sluice_backend_connect_duration_seconds", .histogram, "How long connections to backends took, TLS included.")

  // The process.
  static let loopLag = MetricFamily(
    "sluice_event_loop_lag_seconds", .gauge, "How late an event loop did what was due last; looked at each second.")
  static let loopLagTotal = MetricFamily(
    "sluice_event_loop_delay_seconds", .histogram, "How late event loops did what was due.")
  static let reloads = MetricFamily("sluice_reloads_total", .counter, "Configurations that were taken, or not.")
  static let reloadTime = MetricFamily(
    "sluice_reload_last_success_timestamp_seconds", .gauge, "When the configuration was taken that is in force.")
  static let draining = MetricFamily("sluice_draining", .gauge, "1 while the gateway takes nothing new.")
  static let info = MetricFamily("sluice_build_info", .gauge, "1, with the release and its libraries.")
  static let cpu = MetricFamily("process_cpu_seconds_total", .counter, "Processor time, of the user and the system.")
  static let resident = MetricFamily("process_resident_memory_bytes", .gauge, "Resident memory.")
  static let descriptors = MetricFamily("process_open_fds", .gauge, "Open file descriptors.")
  static let descriptorLimit = MetricFamily("process_max_fds", .gauge, "The most open file descriptors.")
  static let startTime = MetricFamily("process_start_time_seconds", .gauge, "When the gateway started.")

  /// All of them.
  static let all = [
    received, offered, resumed, ended, refused, open, duration, size, rate, connections, connectionLimit, accepted,
    turnedAway, handshakes, failedHandshakes, handshakeTime, certificateExpiry, memory, connectionMemory, memoryLimit,
    quotaUsed,
    quotaReserved, quotaCap, storeFree, storeReserved, syncTime, syncFiles, jobWait, spaceRefused, commitTime,
    commitCalls,
    commitFailures, backendUp, backendUploads, backendOpened, backendTime, loopLag, loopLagTotal, reloads, reloadTime,
    draining, info, cpu, resident, descriptors, descriptorLimit, startTime,
  ]
}
