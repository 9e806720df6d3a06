import Glibc

/// What the kernel knows of this process, under the names that all Prometheus clients use.
///
/// Source: proc(5), proc_pid_stat(5).
package enum ProcessFigures {
    /// For ``PrometheusRegistry/addCollector(_:)``. A figure that cannot be read is left out.
    package static func collect() -> [MetricFamily] {
        var families: [MetricFamily] = []
        if let statistics = Statistics(line: contents("/proc/self/stat")) {
            families += statistics.families(bootTime: bootTime())
        }
        if let open = openDescriptors() {
            families.append(
                MetricFamily(
                    "process_open_fds", .gauge, help: "Open file descriptors.",
                    value: Double(open)))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(
                MetricFamily(
                    "process_max_fds", .gauge, help: "Most open file descriptors.",
                    value: Double(limit.rlim_cur)))
        }
        return families
    }

    /// The fields of /proc/self/stat that are exported.
    struct Statistics: Equatable {
        /// User and system time, in clock ticks.
        let cpuTicks: UInt64
        let threads: Double
        /// Since boot, in clock ticks.
        let startTicks: UInt64
        let virtualBytes: Double
        let residentPages: Double

        /// The second field, the program's name in parentheses, may hold anything, also
        /// parentheses: count from the last one.
        init?(line: String) {
            guard let end = line.lastIndex(of: ")") else { return nil }
            // The first of these is the third of the manual's.
            let fields = line[line.index(after: end)...].split(separator: " ")
            guard fields.count > 21, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
                let threads = Double(fields[17]), let start = UInt64(fields[19]),
                let virtual = Double(fields[20]), let resident = Double(fields[21])
            else { return nil }
            cpuTicks = user + system
            self.threads = threads
            startTicks = start
            virtualBytes = virtual
            residentPages = resident
        }

        func families(bootTime: Double?) -> [MetricFamily] {
            let ticksPerSecond = Double(sysconf(CInt(_SC_CLK_TCK)))
            let pageBytes = Double(sysconf(CInt(_SC_PAGESIZE)))
            var families = [
                MetricFamily(
                    "process_cpu_seconds_total", .counter, help: "User and system CPU time.",
                    value: Double(cpuTicks) / ticksPerSecond),
                MetricFamily(
                    "process_threads", .gauge, help: "Threads of the process.", value: threads),
                MetricFamily(
                    "process_virtual_memory_bytes", .gauge, help: "Virtual memory.",
                    value: virtualBytes),
                MetricFamily(
                    "process_resident_memory_bytes", .gauge, help: "Resident memory.",
                    value: residentPages * pageBytes),
            ]
            if let bootTime {
                families.append(
                    MetricFamily(
                        "process_start_time_seconds", .gauge,
                        help: "Start of the process, in seconds since 1970.",
                        value: bootTime + Double(startTicks) / ticksPerSecond))
            }
            return families
        }
    }

    /// Seconds since 1970. Where /proc/stat is hidden (ProcSubset=pid), by the clocks.
    private static func bootTime() -> Double? {
        if let told = bootTime(in: contents("/proc/stat")) { return told }
        var (now, up) = (timespec(), timespec())
        guard clock_gettime(CLOCK_REALTIME, &now) == 0, clock_gettime(CLOCK_BOOTTIME, &up) == 0
        else { return nil }
        return Double(now.tv_sec - up.tv_sec) + Double(now.tv_nsec - up.tv_nsec) / 1e9
    }

    static func bootTime(in statistics: String) -> Double? {
        statistics.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst(6)) }
    }

    private static func openDescriptors() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // Without `.`, `..` and the descriptor that reads the directory.
        return entries - 3
    }

    /// The first 64 KiB of a file, or nothing where it cannot be read.
    private static func contents(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        // procfs hands out long files in pieces.
        while bytes.count < 65536 {
            let block = [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in
                count = max(read(descriptor, buffer.baseAddress, 16384), 0)
            }
            if block.isEmpty { break }
            bytes += block
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
