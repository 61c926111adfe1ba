package shard

import (
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
)

// noHooks is an engine without scripts.
type noHooks struct{}

func (noHooks) Wants() Wants                                                               { return 0 }
func (noHooks) Packet(*packet.Packet, *flow.Flow)                                          {}
func (noHooks) Layer(*packet.Packet)                                                       {}
func (noHooks) FlowStart(*flow.Flow) (payload, files bool)                                 { return false, false }
func (noHooks) FlowEnd(*flow.Flow)                                                         {}
func (noHooks) Payload(*flow.Flow, flow.Dir, int64, []byte)                                {}
func (noHooks) RawPayload(*flow.Flow, flow.Dir, int64, []byte)                             {}
func (noHooks) Attribute(_ *flow.Flow, name, value string)                                 {}
func (noHooks) FileHead(*flow.Flow, *extract.Exchange, flow.Dir) bool                      { return false }
func (noHooks) HTTPPayload(*flow.Flow, *extract.Exchange, flow.Dir, string, int64, []byte) {}
func (noHooks) File(*flow.Flow, *extract.Exchange, flow.Dir, *ramfs.File, bool)            {}
func (noHooks) Store(*flow.Flow) int                                                       { return storeDefault }
func (noHooks) StorePayload(*flow.Flow, flow.Dir, int64, []byte) int                       { return storeDefault }
func (noHooks) Message(id, text string)                                                    {}
func (noHooks) FlowReport(learned.FlowReport)                                              {}
func (noHooks) Tick()                                                                      {}
func (noHooks) Start() error                                                               { return nil }
func (noHooks) Stop()                                                                      {}
