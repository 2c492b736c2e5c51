package odata_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"

	"marshrut/connectors/onec/odata"
	"marshrut/connectors/onec/onectest"
)

// connected is a client of a small base that the examples write to.
func connected() (*odata.Client, func()) {
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), Password: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(base)
	client, err := odata.New(odata.Options{URL: server.URL + "/unf", User: "gateway", Password: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		client.Close(context.Background()) // a session is a licence
		server.Close()
	}
}

// An object is made under a reference that is computed out of what names it on our side, so that doing it over does nothing.
// A change names the version that was seen, and what the base says it holds is compared with what was sent.
func Example() {
	client, end := connected()
	defer end()
	ctx := context.Background()

	ref := odata.NewRef("orders of the site", "17")
	lead, created, err := client.Create(ctx, "Catalog_Лиды", ref, odata.Entity{"Description": "Анна"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created, lead.Text("Code"))

	change := odata.Entity{"Комментарий": "Перезвонить"}
	lead, err = client.Patch(ctx, "Catalog_Лиды", ref, lead.Version(), change)
	if odata.Is(err, odata.Changed) {
		log.Fatal("somebody in 1C was first: read it, decide and write again")
	}
	if err == nil {
		err = odata.Verify("Catalog_Лиды", change, lead)
	}
	fmt.Println(lead.Text("Комментарий"), err)
	// Output:
	// true 000000001
	// Перезвонить <nil>
}

// Changes come again and again until they are acknowledged, which is done when they are safe.
func ExampleClient_SelectChanges() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	if _, _, err := client.Create(ctx, "Catalog_Лиды", odata.NewRef("17"), odata.Entity{"Description": "Анна"}); err != nil {
		log.Fatal(err)
	}

	node := odata.Node{Plan: "ExchangePlan_Маршрут", Ref: onectest.PlanNode}
	number, err := client.NextMessage(ctx, node)
	if err != nil {
		log.Fatal(err)
	}
	err = client.SelectChanges(ctx, node, number, func(c odata.Change) error {
		lead, err := odata.DecodeEntry(c.Raw)
		fmt.Println(c.Set, lead.Text("Description"))
		return err
	})
	if err == nil {
		err = client.NotifyChangesReceived(ctx, node, number)
	}
	fmt.Println("message", number, err)
	// Output:
	// Catalog_Лиды Анна
	// message 1 <nil>
}

// A set is read from a known value of a scalar field on, in pages whose size follows that of the objects.
func ExampleClient_Each() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	for _, name := range []string{"Анна", "Борис", "Вера"} {
		if _, _, err := client.Create(ctx, "Catalog_Лиды", odata.NewRef(name), odata.Entity{"Description": name}); err != nil {
			log.Fatal(err)
		}
	}

	scan := odata.Scan{Set: "Catalog_Лиды", Key: "Code", From: odata.String("000000002"), Literal: odata.String}
	err := client.Each(ctx, scan, func(_ json.RawMessage, lead odata.Entity) error {
		fmt.Println(lead.Text("Code"), lead.Text("Description"))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 000000002 Борис
	// 000000003 Вера
}
