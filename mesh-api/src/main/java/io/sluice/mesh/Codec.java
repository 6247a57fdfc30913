package io.sluice.mesh;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * How objects of one kind are told: as a message, and back. Any thread.
 *
 * @param <T> the objects
 */
public final class Codec<T> {
  private final String typeUrl;
  private final Function<T, ? extends Message> message;
  private final Reader<T> reader;

  private interface Reader<T> {
    T read(ByteString content, Checks checks) throws InvalidProtocolBufferException;
  }

  private Codec(String typeUrl, Function<T, ? extends Message> message, Reader<T> reader) {
    this.typeUrl = typeUrl;
    this.message = message;
    this.reader = reader;
  }

  /**
   * Between objects and messages.
   *
   * @param form any message of the type
   * @param message lists whose order means nothing have to come sorted
   * @param model fails by what {@link Checks} throws where the message makes no object
   */
  public static <T, M extends Message> Codec<T> of(
      M form, Function<T, M> message, BiFunction<M, Checks, T> model) {
    return new Codec<>(
        "type.googleapis.com/" + form.getDescriptorForType().getFullName(),
        message,
        (content, checks) -> {
          @SuppressWarnings("unchecked") // a message's parser makes messages of its type
          M read = (M) form.getParserForType().parseFrom(content);
          return model.apply(read, checks);
        });
  }

  /** Of the message, as {@code google.protobuf.Any} names it. */
  public String typeUrl() {
    return typeUrl;
  }

  Message message(T object) {
    return message.apply(object);
  }

  T read(ByteString content, Checks checks) throws InvalidProtocolBufferException {
    return reader.read(content, checks);
  }

  /** Equal for equal objects: maps are sorted by key; all else is in one order anyway. */
  ByteString bytes(T object) {
    Message told = message.apply(object);
    byte[] bytes = new byte[told.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      told.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes every message", e);
    }
    out.checkNoSpaceLeft();
    return ByteString.copyFrom(bytes);
  }
}
