package exporter

// ticketFamilies are those of tickets: of each owner, issued = open + ended of all fates.
func ticketFamilies() []family {
	byOwner := []string{"owner"}
	each := func(figure func(t *Tickets) uint64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for i := range s.Tickets {
				add(float64(figure(&s.Tickets[i])), s.Tickets[i].Owner)
			}
		}
	}
	return []family{
		counter("eddy_tickets_issued_total", "Results that somebody waited for.", byOwner,
			each(func(t *Tickets) uint64 { return t.Counts.Issued })),
		gauge("eddy_tickets_open", "Results that somebody waits for now.", byOwner,
			each(func(t *Tickets) uint64 { return t.Counts.Open })),
		counter("eddy_tickets_ended_total", "How tickets ended: delivered, expired, or owner_gone.", []string{"owner", "fate"},
			func(s *Snapshot, add addValue) {
				for i := range s.Tickets {
					t := &s.Tickets[i]
					add(float64(t.Counts.Delivered), t.Owner, "delivered")
					add(float64(t.Counts.Expired), t.Owner, "expired")
					add(float64(t.Counts.OwnerGone), t.Owner, "owner_gone")
				}
			}),
		counter("eddy_tickets_late_total", "Results that came when their ticket had ended.", byOwner,
			each(func(t *Tickets) uint64 { return t.Counts.Late })),
	}
}
