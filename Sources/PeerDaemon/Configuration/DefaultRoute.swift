import Glibc

/// Finds the address of the interface that the default route leaves by, without a packet.
///
/// Source: proc(5), /proc/net/route; the IPv6 table where there is no IPv4 route.
enum DefaultRoute {
    static func address() -> String? {
        if let interface = interface4(in: contents("/proc/net/route")),
            let address = address(of: interface, family: AF_INET)
        {
            return address
        }
        return interface6(in: contents("/proc/net/ipv6_route")).flatMap {
            address(of: $0, family: AF_INET6)
        }
    }

    /// The interface of the default route with the lowest metric.
    ///
    /// Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT.
    static func interface4(in table: String) -> String? {
        var best: (metric: Int, interface: Substring)?
        for line in table.split(separator: "\n").dropFirst() {
            let columns = line.split { $0 == "\t" || $0 == " " }
            guard columns.count >= 8, columns[1] == "00000000", columns[7] == "00000000" else {
                continue
            }
            let metric = Int(columns[6]) ?? .max
            if let best, best.metric <= metric { continue }
            best = (metric, columns[0])
        }
        return best.map { String($0.interface) }
    }

    /// Columns: destination, its prefix length, source, its length, next hop, metric, …, device.
    static func interface6(in table: String) -> String? {
        for line in table.split(separator: "\n") {
            let columns = line.split(separator: " ")
            guard columns.count == 10, columns[1] == "00", columns[9] != "lo",
                columns[0].utf8.allSatisfy({ $0 == UInt8(ascii: "0") })
            else { continue }
            return String(columns[9])
        }
        return nil
    }

    /// A kernel without that protocol has no table: as good as an empty one.
    private static func contents(_ path: String) -> String {
        do throws(SmallFile.ReadError) {
            return String(decoding: try SmallFile.read(path, bytesMax: 1 << 20), as: UTF8.self)
        } catch {
            return ""
        }
    }

    private static func address(of interface: String, family: CInt) -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard String(cString: entry.pointee.ifa_name) == interface,
                let address = entry.pointee.ifa_addr, CInt(address.pointee.sa_family) == family,
                let text = numeric(address, family)
            else { continue }
            // Link-local addresses mean nothing without an interface.
            if !text.hasPrefix("fe80:") { return text }
        }
        return nil
    }

    private static func numeric(_ address: UnsafePointer<sockaddr>, _ family: CInt) -> String? {
        let size =
            family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(
                address, socklen_t(size), &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
                == 0
        else { return nil }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
