// What a service says to systemd and takes from it: readiness and watchdog, activated sockets,
// credentials, the journal; and readable lines on standard error where there is no journal.
//
// May import CSystemd, Glibc and swift-log; knows nothing of peers or files.
