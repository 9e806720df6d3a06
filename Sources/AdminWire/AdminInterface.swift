extension Admin {
    /// The text of the interface, as `org.varlink.service` gives it out.
    package static var interfaceText: String {
        String(decoding: PackageResources.org_p2ppeer_Admin_varlink, as: UTF8.self)
    }
}
