/// The `FileDescriptorSet` of every .proto file here, serialised.
package enum EmbeddedDescriptors {
    package static var bytes: [UInt8] { PackageResources.descriptors_binpb }
}
