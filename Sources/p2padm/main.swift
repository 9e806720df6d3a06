import PeerAdmin

// Arguments and exit codes are P2PAdm's; here is only the program.
P2PAdm.start()
