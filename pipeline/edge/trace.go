package edge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// startSpan goes on with the trace of the sender, or begins one. The path is left
// out of it: there is a token in it.
func (h *Handler) startSpan(r *http.Request, c *connectors.Connected) (context.Context, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return h.tracer.Start(ctx, "edge.receive", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("connection", c.Name), attribute.String("http.request.method", r.Method)))
}

// setTrace puts the trace context into the event (W3C Trace Context). Without a
// tracer a new one is made, so that logs can be joined all the same.
func setTrace(ctx context.Context, event *pipeline.Event) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	event.TraceParent, event.TraceState = carrier["traceparent"], carrier["tracestate"]
	if event.TraceParent == "" {
		var id [24]byte
		rand.Read(id[:])
		event.TraceParent = "00-" + hex.EncodeToString(id[:16]) + "-" + hex.EncodeToString(id[16:]) + "-00"
	}
}
