package func daemonMain() {}
