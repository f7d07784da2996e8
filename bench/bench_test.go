package main

import (
	"strings"
	"testing"
)

func TestReadWrk(t *testing.T) {
	const report = `Running 1s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   422.01us  100.00us   1.50ms   90.00%
  150123 requests in 1.00s, 24.00MB read
Requests/sec: 150001.50
Transfer/sec:     24.00MB
`
	requests, rate, err := readWrk(report)
	if requests != 150123 || rate != 150001.5 || err != nil {
		t.Error(requests, rate, err)
	}
	for _, trouble := range []string{
		"  Non-2xx or 3xx responses: 12\n" + report,
		"  Socket errors: connect 0, read 3, write 0, timeout 0\n" + report,
		strings.Replace(report, "150123 requests", "0 requests", 1),
		"unable to connect",
	} {
		if _, _, err := readWrk(trouble); err == nil {
			t.Errorf("no error for %q", trouble)
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Error(m)
	}
}

func TestChoose(t *testing.T) {
	chosen, err := choose("file,return")
	if err != nil || len(chosen) != 4 || chosen[3].name != "return" {
		t.Errorf("%v %v", chosen, err)
	}
	if _, err := choose("nothing"); err == nil {
		t.Error("no error for an unknown name")
	}
	if all, _ := choose(""); len(all) != len(cases()) {
		t.Error(len(all))
	}
}
