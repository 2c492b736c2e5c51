// Package oracle proves the promise of the whole gateway: what was answered with
// 202 is an obligation. Its tests run the real program as real processes on a real
// PostgreSQL, and with the build tag kafka on a real Apache Kafka, post inquiries,
// kill with -9 at random, and then look in the database for every obligation:
// there exactly once, with its exact content, with its lead, process and task. The
// package holds tests only; nothing imports it.
//
// A run prints its seed; MARSHRUT_ORACLE_SEED repeats its plan of faults and its
// inquiries, MARSHRUT_ORACLE_SECONDS makes the faults go on for longer.
package oracle
