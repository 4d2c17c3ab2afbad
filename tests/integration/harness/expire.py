"""Ends the life of what a topic holds, as retention does, without waiting for it: Kafka's DeleteRecords, which Debian's
confluent-kafka does not have yet."""
import socket
import struct

from confluent_kafka import Consumer, TopicPartition

DELETE_RECORDS, VERSION = 21, 1
TO_THE_END = -1


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def exchange(brokers, api, version, body):
    """The answer's body. A single broker leads every partition."""
    host, _, port = brokers.rpartition(":")
    request = struct.pack(">hhi", api, version, 1) + text("test") + body
    with socket.create_connection((host, int(port)), timeout=30) as connection, connection.makefile("rb") as answers:
        connection.sendall(struct.pack(">i", len(request)) + request)
        size, = struct.unpack(">i", answers.read(4))
        return answers.read(size)[4:]


def ends(brokers, topic):
    """{partition: (oldest, next)} of TOPIC."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test-ends", "log_level": 0})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in partitions}
    finally:
        consumer.close()


def expire(brokers, topic):
    """Everything that TOPIC holds now is gone."""
    partitions = ends(brokers, topic)
    body = struct.pack(">i", 1) + text(topic) + struct.pack(">i", len(partitions))
    body += b"".join(struct.pack(">iq", partition, TO_THE_END) for partition in partitions)
    exchange(brokers, DELETE_RECORDS, VERSION, body + struct.pack(">i", 10000))
    left = {p: found for p, found in ends(brokers, topic).items() if found[0] < partitions[p][1]}
    assert not left, f"{topic} still has {left}"
