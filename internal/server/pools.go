package server

// listenPools starts to serve the pools.
func (r *role) listenPools() error {
	if r.cycle.Pools == nil {
		return nil
	}
	r.pools = r.cycle.Pools.Worker(r.reactor)
	for _, l := range r.cycle.Pools.Listeners() {
		for _, socket := range r.cycle.Sockets.Sockets(l.Spec.Address) {
			if err := r.pools.Listen(l, socket); err != nil {
				return err
			}
		}
	}
	return nil
}
