/// What both programs are of.
package enum Project {
    /// As packages, peers and `--version` say it.
    package static let version = "0.1.0"
}
