//go:build race

package http_test

// raceDetector: the pools of package sync drop things at random then.
const raceDetector = true
