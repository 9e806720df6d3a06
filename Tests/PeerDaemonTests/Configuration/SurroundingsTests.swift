import Glibc
import Testing

@testable import PeerDaemon

@Suite struct SurroundingsTests {
    @Test(
        "IPv4 comes first, and addresses that mean nothing elsewhere are passed over",
        arguments: [
            (["127.0.0.1", "::1", "fe80::1", "10.0.0.7", "fd00::7"], "10.0.0.7"),
            (["127.0.0.1", "fe80::1%ens5", "2001:db8::7", "fd00::7"], "2001:db8::7"),
            (["169.254.0.5", "192.168.1.9"], "192.168.1.9"),
            (["127.0.0.1", "::1", "fe80::1"], nil),
            ([], nil),
        ])
    func preferred(addresses: [String], expected: String?) {
        #expect(HostAddress.preferred(among: addresses) == expected)
    }

    static let tagged = InstanceMetadata(
        address: "10.0.0.7", instanceID: "i-0123456789abcdef0", nameTag: "files-1")
    static let untagged = InstanceMetadata(
        address: "10.0.0.7", instanceID: "i-0123456789abcdef0", nameTag: nil)

    @Test(
        "A given host name wins, then the tag, EC2's name, the instance's id, the address",
        arguments: [
            ("host-1", nil, "host-1"), ("host-1", tagged, "host-1"),
            ("ip-10-0-0-7", tagged, "files-1"), ("ip-10-0-0-7", untagged, "ip-10-0-0-7"),
            ("ip-10-0-0-7.eu-west-1.compute.internal", tagged, "files-1"),
            ("i-0123456789abcdef0.ec2.internal", tagged, "files-1"),
            ("ip-address-server", tagged, "ip-address-server"),
            ("localhost", untagged, "i-0123456789abcdef0"), (nil, tagged, "files-1"),
            ("localhost.localdomain", nil, "10.0.0.7"), ("(none)", nil, "10.0.0.7"),
            ("", nil, "10.0.0.7"), (nil, nil, "10.0.0.7"),
        ] as [(String?, InstanceMetadata?, String)])
    func name(hostName: String?, instance: InstanceMetadata?, expected: String) {
        #expect(
            Surroundings.name(hostName: hostName, instance: instance, address: "10.0.0.7")
                == expected)
    }

    @Test(
        "EC2 is told by its firmware, Nitro and Xen",
        arguments: [
            ("class/dmi/id/sys_vendor", "Amazon EC2\n", true),
            ("class/dmi/id/bios_version", "4.11.amazon\n", true),
            ("hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n", true),
            ("class/dmi/id/sys_vendor", "QEMU\n", false),
            ("hypervisor/uuid", "00000000-0000-0000-0000-000000000000\n", false),
        ])
    func hardware(attribute: String, text: String, isInstance: Bool) throws {
        let directory = try TemporaryDirectory()
        for parent in ["class", "class/dmi"] { mkdir("\(directory.path)/\(parent)", 0o700) }
        try directory.write(attribute, text)
        #expect(EC2Hardware(sysfs: directory.path).isInstance == isInstance)
    }

    @Test("Only an instance's service is asked, unless a variable says otherwise")
    func endpoint() {
        let none = EC2Hardware(sysfs: "/nonexistent")
        func endpoint(_ environment: [String: String]) -> String? {
            InstanceMetadata.endpoint(environment: environment, hardware: none)
        }
        #expect(endpoint([:]) == nil)
        let named = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://[fd00:ec2::254]/"]
        #expect(endpoint(named) == "http://[fd00:ec2::254]")
        #expect(endpoint(named.merging(["AWS_EC2_METADATA_DISABLED": "TRUE"]) { $1 }) == nil)
    }
}
