package io.sluice.kernel.cni;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A message of the Container Runtime Interface by the numbers of its fields, as its api.proto
 * (k8s.io/cri-api, v1) gives them: the tests need too few of them to generate classes.
 */
record CriMessage(UnknownFieldSet fields) {
  static final CriMessage EMPTY = new CriMessage(UnknownFieldSet.getDefaultInstance());

  static CriMessage read(byte[] bytes) {
    try {
      return new CriMessage(UnknownFieldSet.parseFrom(bytes));
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError("no message of CRI", e);
    }
  }

  byte[] bytes() {
    return fields.toByteArray();
  }

  CriMessage with(int number, String text) {
    return with(number, ByteString.copyFromUtf8(text));
  }

  CriMessage with(int number, CriMessage message) {
    return with(number, message.fields.toByteString());
  }

  CriMessage with(int number, long value) {
    return added(number, Field.newBuilder().addVarint(value).build());
  }

  private CriMessage with(int number, ByteString value) {
    return added(number, Field.newBuilder().addLengthDelimited(value).build());
  }

  private CriMessage added(int number, Field field) {
    return new CriMessage(fields.toBuilder().mergeField(number, field).build());
  }

  /** The first value of a field; empty where it has none. */
  String text(int number) {
    return texts(number).stream().findFirst().orElse("");
  }

  List<String> texts(int number) {
    return values(number).stream().map(ByteString::toStringUtf8).toList();
  }

  List<CriMessage> messages(int number) {
    return values(number).stream().map(value -> read(value.toByteArray())).toList();
  }

  CriMessage message(int number) {
    return messages(number).stream().findFirst().orElse(EMPTY);
  }

  long number(int number) {
    return fields.getField(number).getVarintList().stream().findFirst().orElse(0L);
  }

  /** A field that maps texts to texts. */
  Map<String, String> map(int number) {
    Map<String, String> map = new LinkedHashMap<>();
    messages(number).forEach(entry -> map.put(entry.text(1), entry.text(2)));
    return map;
  }

  private List<ByteString> values(int number) {
    return fields.getField(number).getLengthDelimitedList();
  }
}
