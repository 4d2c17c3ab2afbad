/* delivery.c - Kafka records into work. Pure apart from memory. */
#include "workers/runtime/delivery.h"

static size_t row_of(struct text type)
{
    size_t row = 0;

    while (row < service.handle_count && !text_is(type, service.handles[row].type))
        row++;
    return row;
}

/* Whether the payload is of the version this program was written for. */
static bool is_known_schema(const struct kafka_record *record)
{
    const struct event_type *type = event_type_find(record->ce_type);

    return type && text_is(record->ce_dataschema, type->schema);
}

/* Everything that can be read is read, though one fault is enough to condemn: the dead letter shows and holds by ids. */
void delivery_decode(const struct kafka_record *record, struct arena *arena, struct delivery *delivery)
{
    struct work *work = &delivery->work;
    struct fault *fault = &delivery->condemned;
    bool typed;

    *delivery = (struct delivery){ .record = record, .row = row_of(record->ce_type) };
    typed = delivery->row < service.handle_count;
    if (!typed && event_type_find(record->ce_type)) {
        delivery->kind = DELIVERY_UNHANDLED;
        return;
    }
    work->type = record->ce_type;
    if (!traceparent_parse(record->traceparent, &work->trace))
        work->trace = traceparent_new();
    work->span = traceparent_child(&work->trace);
    delivery->has_event_id = uuid_parse(record->ce_id, &work->event_id);
    /* A message of no or an unknown type holds nobody back: nobody can tell whether this service was meant. */
    delivery->has_order_id = typed && uuid_parse(record->key, &work->order_id);

    if (work->type.len == 0)
        fault_set(fault, FAULT_INVALID, "undecodable", "the header ce_type is missing or empty");
    else if (!typed)
        fault_set(fault, FAULT_INVALID, "undecodable", "no event type known here: %.*s", TEXT_FMT(work->type));
    else if (!delivery->has_event_id)
        fault_set(fault, FAULT_INVALID, "undecodable", "the header ce_id is missing or no UUID");
    else if (!delivery->has_order_id)
        fault_set(fault, FAULT_INVALID, "undecodable", "the key is missing or no UUID");
    else if (!record->ce_dataschema.ptr)
        fault_set(fault, FAULT_INVALID, "undecodable", "the header ce_dataschema is missing");
    else if (!is_known_schema(record))
        fault_set(fault, FAULT_INVALID, "undecodable", "no schema known here: %.*s", TEXT_FMT(record->ce_dataschema));
    else if (!record->value.ptr)
        fault_set(fault, FAULT_INVALID, "undecodable", "the message has no value");
    else if (json_parse(record->value, arena, &delivery->doc, fault) && json_kind(delivery->doc.root) != JSON_OBJECT)
        fault_set(fault, FAULT_INVALID, "undecodable", "the payload is no JSON object");
    work->doc = &delivery->doc;
}

void delivery_record(const struct deadletter *letter, struct arena *arena, struct kafka_record *record)
{
    const struct event_type *type = event_type_find(letter->type);

    *record = (struct kafka_record){
        .topic = letter->topic,
        .partition = letter->partition,
        .offset = letter->offset,
        .key = letter->key,
        .value = letter->payload,
        .ce_type = letter->type,
        .traceparent = letter->traceparent,
    };
    if (letter->event_id) {
        char *id = arena_alloc(arena, UUID_TEXT_LEN + 1);

        uuid_format(letter->event_id, id);
        record->ce_id = (struct text){ id, UUID_TEXT_LEN };
    }
    if (letter->dataschema.len > 0)
        record->ce_dataschema = letter->dataschema;
    else if (!letter->dataschema.ptr && type)
        record->ce_dataschema = text_of(type->schema); /* from before schemas were kept, when each had one version */
}

void delivery_free(struct delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_free(&deliveries[i].doc);
}
