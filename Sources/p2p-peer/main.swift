import PeerDaemon
daemonMain()
