/// How eager and how patient ``DownloadPlan`` is.
package struct DownloadConfiguration: Hashable, Sendable {
    /// Failures of one source in a row; the pauses before the last attempt are
    /// 0.5 + 1 + 2 + 4 + 8 = 15.5 s, in which a source that restarts is back.
    package var attemptsMax = 6
    /// Before the second attempt; doubled for each further one, up to the maximum.
    package var backoffMin = Duration.milliseconds(500)
    package var backoffMax = Duration.seconds(30)
    /// A source that sends nothing for this long is relieved of what it was asked for.
    package var stallTimeout = Duration.seconds(15)

    /// Pieces that a source is asked for ahead. Fewer than two leave the way idle for a round trip
    /// after each; more only make the end less even.
    package var depthMin = 2
    package var depthMax = 32
    /// A source is asked for what it sends in this time.
    package var depthTime = Duration.seconds(2)

    /// With fewer sources in use, others are looked for.
    package var sourcesWanted = 4
    /// More are not taken in: 64 that fail one after the other are no misfortune any more.
    package var sourcesMax = 64
    /// Before the first search for more sources; doubled, up to 32 times of it, after each that
    /// brought none. Searching more often burdens the fleet, and finds new holders sooner.
    package var searchInterval = Duration.seconds(10)
    /// Searches that bring nothing while nothing can be asked for; then it has failed.
    package var fruitlessSearchesMin = 1
    /// The same while there are sources that have a part of the file, and may soon have more.
    package var fruitlessSearchesMax = 4
    /// Sources that are asked for the same piece in the end game.
    package var endGameCopiesMax = 2

    package init() {}
}
