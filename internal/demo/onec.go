package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"marshrut/connectors/onec/onectest"
	"marshrut/connectors/registry"
	"marshrut/internal/app"
)

// The simulated base of 1C and its service user.
const (
	baseConnection = "unf"
	baseUser       = "gateway"
	basePassword   = "romashka-1c"
)

// base is the company's 1C, with people in it: a small УНФ that keeps what it has in a file.
type base struct {
	*onectest.Base
	address string
	random  *rand.Rand
}

// openBase starts the base beside the gateway and connects the two. Its port is another at each start.
func openBase(ctx context.Context, gateway *app.App, folder folder) (*base, error) {
	simulated, err := onectest.New(onectest.Options{Schema: onectest.UNF(), User: baseUser, Password: basePassword,
		Behaviour: onectest.AsSeen(), Journal: filepath.Join(folder.dir, "1c.jsonl")})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, simulated.Close())
	}
	b := &base{Base: simulated, address: "http://" + listener.Addr().String() + "/unf", random: rand.New(rand.NewPCG(1, 3))}
	gateway.Beside("the base of 1C", func(ctx context.Context) error { return b.serve(ctx, listener) })
	if err := b.connect(ctx, gateway); err != nil {
		return nil, fmt.Errorf("connect the base of 1C: %w", err)
	}
	gateway.Beside("the people of 1C", func(ctx context.Context) error { return b.live(ctx, gateway) })
	return b, nil
}

func (b *base) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // the base loses nothing by it
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return b.Close()
}

func (b *base) connect(ctx context.Context, gateway *app.App) error {
	settings, err := json.Marshal(map[string]any{
		"url": b.address, "user": baseUser, "password": basePassword, "every": "5s", "plan": "Маршрут", "node": onectest.PlanNode,
		"stages":    map[string]string{"new": "Новый", "qualification": "Квалификация", "proposal": "Предложение", "negotiation": "Согласование", "contract": "Договор"},
		"reasons":   map[string]string{"expensive": "Дорого", "competitor": "Выбрали конкурента", "unreachable": "Не удалось связаться", "spam": "Спам", "other": "Другое"},
		"sources":   map[string]string{"site": "Сайт", "ads": "Реклама", "recommendation": "Рекомендация"},
		"employees": map[string]string{"vetrov": "Ветров Антон", "orlova": "Орлова Дарья"},
	})
	if err != nil {
		return err
	}
	return gateway.Connections.Save(ctx, time.Now(), registry.Configured{Name: baseConnection, Connector: "onec", Provider: "infobase",
		Title: "1С:УНФ", Source: "manual", Settings: settings})
}

// live lets people work in the base: now and then a lead is entered, and a note on one changed. They begin when the gateway
// has looked for the first time: what is there by then is history, which nobody asked for.
func (b *base) live(ctx context.Context, gateway *app.App) error {
	for n, looked := 0, false; ; {
		if !looked {
			looked = await(ctx, gateway, "the base of 1C is looked at", "select exists (select from connection_cursor where connection = $1)", baseConnection) == nil
		}
		pause := time.Second
		if looked {
			if err := b.work(n); err != nil {
				return err
			}
			n++
			pause = 90 * time.Second
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (b *base) work(n int) error {
	leads := b.All(onectest.Leads)
	if n%3 == 0 || len(leads) == 0 {
		return b.enter(newVisitor(b.random, fromShop+len(leads)))
	}
	chosen := leads[b.random.IntN(len(leads))]
	note := pick(b.random, []string{"Заходил в салон, взял каталог", "Просит скидку за объём", "Уточнить размеры перед замером", "Счёт на организацию"})
	return b.Edit(onectest.Leads, chosen.Text("Ref_Key"), func(o onectest.Object) {
		o["Комментарий"] = strings.TrimSpace(strings.SplitN(o.Text("Комментарий"), " • ", 2)[0] + " • " + note)
	})
}

// fromShop begins the numbers of those who come to the shop: nobody who wrote or called has one of them, or their lead would be joined.
const fromShop = 7000

// enter makes a lead as a person in the shop does.
func (b *base) enter(v visitor) error {
	_, err := b.Add(onectest.Leads, onectest.Object{"Description": v.first + " " + v.last, "Комментарий": pick(b.random, wishes),
		"СостояниеЛида_Key": "5a1f0000-0000-4000-8000-000000000001", "ИсточникПривлечения_Key": "7c3d0000-0000-4000-8000-000000000003",
		"КонтактнаяИнформация": []onectest.Object{{"LineNumber": "1", "Тип": "Телефон", "Вид_Key": "9e5b0000-0000-4000-8000-000000000001", "Представление": v.phone}}})
	return err
}
