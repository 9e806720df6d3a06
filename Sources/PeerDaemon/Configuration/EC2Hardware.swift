/// Tells an EC2 instance from other hosts by what its firmware says, without the network.
///
/// Source: AWS, "Detect whether a host is an EC2 instance". Nitro has `Amazon EC2` as its vendor; Xen has
/// `amazon` in the version of its BIOS, or a hypervisor's UUID that begins with `ec2`.
struct EC2Hardware {
    /// Where sysfs is mounted; another place in tests.
    var sysfs = "/sys"

    var isInstance: Bool {
        text("class/dmi/id/sys_vendor") == "Amazon EC2"
            || text("class/dmi/id/bios_version").hasSuffix(".amazon")
            || text("hypervisor/uuid").lowercased().hasPrefix("ec2")
    }

    /// An attribute's line; a host that has no such attribute is no instance.
    private func text(_ attribute: String) -> String {
        do throws(SmallFile.ReadError) {
            let bytes = try SmallFile.read("\(sysfs)/\(attribute)", bytesMax: 4096)
            return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        } catch {
            return ""
        }
    }
}
