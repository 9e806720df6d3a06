/// The `FileDescriptorSet` of every .proto file here, serialised.
package enum EmbeddedDescriptors {
    package static var bytes: [UInt8] { PackageResources.descriptors_binpb }
}

/// The text of `org.p2ppeer.Admin`.
package enum AdminInterface {
    package static var description: String {
        String(decoding: PackageResources.org_p2ppeer_Admin_varlink, as: UTF8.self)
    }
}
