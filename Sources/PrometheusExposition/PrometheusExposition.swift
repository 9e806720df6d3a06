// A backend of swift-metrics that Prometheus can scrape: series, a registry, the two text
// formats, and the figures of the process.
//
// May import swift-metrics, Synchronization and Glibc; knows nothing of peers or files.
