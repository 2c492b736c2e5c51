package intake_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkAPostAt500PerSecond measures what a sender waits for its answer while the
// intake files on the same machine. It is paced: its figures are p50-ms and p99-ms.
func BenchmarkAPostAt500PerSecond(b *testing.B) {
	c := newCompany(b)
	c.consume()
	server := httptest.NewServer(c.door)
	defer server.Close()
	server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 100
	var mu sync.Mutex
	var waits []time.Duration
	var all sync.WaitGroup
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for n := range b.N {
		<-tick.C
		all.Go(func() {
			started := time.Now()
			body := fmt.Sprintf("name=N&phone=%%2B79%09d&comment=c", n)
			r, err := server.Client().Post(server.URL+"/in/site/"+token, form, strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if r.StatusCode != http.StatusAccepted {
				b.Errorf("status %d", r.StatusCode)
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, time.Since(started))
		})
	}
	all.Wait()
	b.StopTimer()
	c.eventually(b.N, "select count(*) from lead")
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
}
