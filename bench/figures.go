package main

import "slices"

// median is the middle of values, of an even number of them the mean of the two in
// the middle. There is at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func least(values []float64) float64 { return slices.Min(values) }

func most(values []float64) float64 { return slices.Max(values) }

// pick is one figure of every sample.
func pick[S any](samples []S, figure func(S) float64) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, figure(s))
	}
	return values
}

// ratiosOf is baton's figure by nginx's, round by round: what both met at the same
// time cancels out.
func ratiosOf[S any](samples [2][]S, figure func(S) float64) []float64 {
	var values []float64
	for i := range samples[0] {
		values = append(values, figure(samples[0][i])/figure(samples[1][i]))
	}
	return values
}
