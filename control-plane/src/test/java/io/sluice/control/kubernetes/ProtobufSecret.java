package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.Base64;

/**
 * A Secret as clients made in Go send it, by the field numbers of Kubernetes' {@code
 * runtime.Unknown}, {@code v1.Secret} and {@code meta.v1.ObjectMeta}: Helm keeps its releases so.
 */
final class ProtobufSecret {
  static final String MEDIA_TYPE = "application/vnd.kubernetes.protobuf";
  private static final int MAGIC_BYTES = 4;

  private ProtobufSecret() {}

  /** What is done with the value of a field. */
  private interface FieldReader {
    /** Reads the value, or returns false and leaves it. */
    boolean read(int number, CodedInputStream in) throws IOException;
  }

  static ObjectNode read(byte[] body) throws IOException {
    ObjectNode secret = JsonNodeFactory.instance.objectNode();
    CodedInputStream envelope =
        CodedInputStream.newInstance(body, MAGIC_BYTES, body.length - MAGIC_BYTES);
    each(
        envelope,
        (number, in) -> number == 2 && each(in.readBytes().newCodedInput(), field(secret)));
    return secret;
  }

  private static FieldReader field(ObjectNode secret) {
    return (number, in) ->
        switch (number) {
          case 1 -> each(in.readBytes().newCodedInput(), metadata(secret.withObject("/metadata")));
          case 2 -> entry(in.readBytes().newCodedInput(), secret.withObject("/data"), true);
          case 3 -> {
            secret.put("type", in.readString());
            yield true;
          }
          default -> false;
        };
  }

  private static FieldReader metadata(ObjectNode metadata) {
    return (number, in) ->
        switch (number) {
          case 1 -> {
            metadata.put("name", in.readString());
            yield true;
          }
          case 11 -> entry(in.readBytes().newCodedInput(), metadata.withObject("/labels"), false);
          default -> false;
        };
  }

  /** One entry of a map; its key stands before its value. */
  private static boolean entry(CodedInputStream entry, ObjectNode map, boolean isBinary)
      throws IOException {
    String[] key = {""};
    return each(
        entry,
        (number, in) -> {
          if (number == 1) {
            key[0] = in.readString();
          } else if (isBinary) {
            map.put(key[0], Base64.getEncoder().encodeToString(in.readByteArray()));
          } else {
            map.put(key[0], in.readString());
          }
          return true;
        });
  }

  private static boolean each(CodedInputStream in, FieldReader reader) throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (!reader.read(WireFormat.getTagFieldNumber(tag), in)) {
        in.skipField(tag);
      }
    }
    return true;
  }
}
