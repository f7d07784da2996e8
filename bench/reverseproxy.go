package main

import "context"

// runReverseProxy measures baton beside the reverse proxy of Go's standard library,
// which stands in nginx's columns.
func runReverseProxy(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	backend, err := b.startBackend(ctx)
	if err != nil {
		return loadHeading, "", err
	}
	defer backend.stop()
	ours, err := b.startCase(ctx, b.programs[0], c, backend.addr)
	if err != nil {
		return loadHeading, "", err
	}
	defer ours.stop()
	other, err := play(ctx, serverCore, "reverseproxy "+backend.addr, true)
	if err != nil {
		return loadHeading, "", err
	}
	defer other.stop()
	theirs := &server{program: program{name: "ReverseProxy"}, dir: ours.dir, addr: other.addr, worker: other.cmd.Process.Pid}
	return b.inRounds(ctx, c, [2]*server{ours, theirs})
}
