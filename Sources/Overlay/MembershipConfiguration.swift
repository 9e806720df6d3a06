/// How ``Membership`` paces itself and what bounds it.
package struct MembershipConfiguration: Hashable, Sendable {
    /// Between two checks of a member, ±10 %. Lower notices sooner and costs a request each.
    package var healthCheckInterval: Duration
    /// Checks on their way at once. Raising it costs sockets; lowering it delays checks once
    /// `members x time of one check` exceeds `checksInFlightMax x interval`. Guess.
    package var checksInFlightMax = 64
    /// Registrations on their way at once. Guess.
    package var registrationsInFlightMax = 16
    /// Peers that wait for the answer to their registration; one more is refused at once. Guess.
    package var registrantsMax = 256
    /// Callers that wait for the end of a bootstrap; one more is told at once what is known.
    package var bootstrapsMax = 256
    /// A check or registration that the shell never answers counts as failed after this. Longer
    /// than the shell's own timeout, which normally comes first.
    package var giveUpAfter = Duration.seconds(30)
    /// Failures in a row that make a living member dead. 1 reacts to a single lost packet;
    /// more leaves searches running into it longer.
    package var failuresUntilDead = 2
    /// A dead member, not a friend, is forgotten after this time.
    package var forgetDeadAfter = Duration.seconds(24 * 3600)
    /// A URL that turned out to be this peer, or a known one under another name, is not looked
    /// at again for this time; addresses are given to others eventually.
    package var aliasLifetime = Duration.seconds(3600)
    package var aliasesMax = 1024
    /// When reached, the longest dead member gives way; where none is dead, the new one is
    /// refused.
    package var membersMax = 10_000
    /// Between two attempts to join through the friends: doubled from the first to the second.
    package var joinBackoffMin = Duration.seconds(1)
    package var joinBackoffMax = Duration.seconds(60)

    /// Whether friends' names are looked up, since they may lead to many peers. False where the shell has no
    /// names to look up, as a simulator.
    package var resolvesFriends = false
    /// Addresses of a friend's name that are visited in one round, picked at random. More finds a living
    /// one sooner where most are dead, and costs each a request. Guess.
    package var visitsMax = 16
    /// Peers found by a friend's name that are asked at once to take us; one is enough.
    package var entriesMax = 3

    package init(healthCheckInterval: Duration = .seconds(30)) {
        self.healthCheckInterval = healthCheckInterval
    }

    /// How often the shell is asked for a tick: a tenth of the interval, within bounds, so that
    /// nothing is late by more than that and an idle daemon sleeps.
    var tickPeriod: Duration {
        min(max(healthCheckInterval / 10, .milliseconds(10)), .seconds(1))
    }
}
