//go:build race

package e2e

// RaceEnabled tells whether this test was built with the race detector; the
// binary under test is then built with it too.
const RaceEnabled = true
