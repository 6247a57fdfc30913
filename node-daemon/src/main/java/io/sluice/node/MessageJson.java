package io.sluice.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.sluice.mesh.IpAddresses;
import java.util.HexFormat;
import java.util.List;

/** Resources as they are sent, for people: addresses are text, and serial numbers hexadecimal. */
public final class MessageJson {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private MessageJson() {}

  /** Every field, by the name that the JSON of protobuf has for it. */
  public static ObjectNode of(Message message) {
    ObjectNode object = JSON.objectNode();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.isMapField()) {
        ObjectNode entries = object.putObject(field.getJsonName());
        for (Object each : (List<?>) message.getField(field)) {
          ObjectNode entry = of((Message) each);
          entries.set(entry.path("key").asText(), entry.path("value"));
        }
      } else if (field.isRepeated()) {
        ArrayNode array = object.putArray(field.getJsonName());
        ((List<?>) message.getField(field)).forEach(each -> array.add(value(field, each)));
      } else if (!field.hasPresence() || message.hasField(field)) {
        object.set(field.getJsonName(), value(field, message.getField(field)));
      }
    }
    return object;
  }

  private static JsonNode value(FieldDescriptor field, Object value) {
    return switch (value) {
      case Message message -> of(message);
      case Boolean truth -> JSON.booleanNode(truth);
      case Integer number -> JSON.numberNode(number);
      case Long number -> JSON.numberNode(number);
      case ByteString bytes when field.getName().endsWith("serials") ->
          JSON.textNode(HexFormat.of().formatHex(bytes.toByteArray()));
      case ByteString bytes -> JSON.textNode(IpAddresses.text(IpAddresses.of(bytes.toByteArray())));
      default -> JSON.textNode(value.toString()); // also the names of enumerations
    };
  }
}
