package io.sluice.control.xds.translate;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.UInt32Value;
import io.grpc.xds.shaded.io.envoyproxy.pgv.validate.Validate;
import io.grpc.xds.shaded.io.envoyproxy.pgv.validate.Validate.FieldRules;
import java.util.List;

/** Whether messages of Envoy's own types are whole, by the rules that those types carry. */
final class EnvoyRules {
  private int checked;

  /** Fails where {@code message} holds a field that its type does not know, or breaks a rule. */
  void check(Message message) {
    String what = message.getDescriptorForType().getFullName();
    assertThat(message.getUnknownFields().asMap()).as("unknown fields of %s", what).isEmpty();
    for (OneofDescriptor choice : message.getDescriptorForType().getRealOneofs()) {
      if (choice.getOptions().getExtension(Validate.required)) {
        assertThat(message.hasOneof(choice)).as("%s of %s", choice.getName(), what).isTrue();
        checked++;
      }
    }
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      FieldRules rules = field.getOptions().getExtension(Validate.rules);
      checkField(message, field, rules);
      if (field.getJavaType() == JavaType.MESSAGE && !field.isMapField()) {
        values(message, field).forEach(value -> check((Message) value));
      }
    }
  }

  private static List<?> values(Message message, FieldDescriptor field) {
    if (field.isRepeated()) {
      return (List<?>) message.getField(field);
    }
    return message.hasField(field) ? List.of(message.getField(field)) : List.of();
  }

  private void checkField(Message message, FieldDescriptor field, FieldRules rules) {
    if (field.getRealContainingOneof() != null && !message.hasField(field)) {
      return; // another choice, or none, which the choice's own rule is about
    }
    if (rules.getMessage().getRequired() || rules.getAny().getRequired()) {
      assertThat(message.hasField(field)).as(field.getFullName()).isTrue();
      checked++;
    }
    if (rules.hasRepeated()) {
      assertThat((long) message.getRepeatedFieldCount(field))
          .as(field.getFullName())
          .isGreaterThanOrEqualTo(rules.getRepeated().getMinItems());
      checked++;
    } else if (field.hasPresence() && !message.hasField(field)) {
      return;
    }
    FieldRules each = rules.hasRepeated() ? rules.getRepeated().getItems() : rules;
    List<?> present =
        field.isRepeated() || field.hasPresence()
            ? values(message, field)
            : List.of(message.getField(field));
    for (Object value : present) {
      checkValue(field, value, each);
    }
  }

  private void checkValue(FieldDescriptor field, Object value, FieldRules rules) {
    if (rules.hasString()) {
      String text = (String) value;
      assertThat((long) text.length())
          .as(field.getFullName())
          .isGreaterThanOrEqualTo(
              Math.max(rules.getString().getMinLen(), rules.getString().getMinBytes()));
      checked++;
    }
    if (rules.getEnum().getDefinedOnly()) {
      assertThat(((EnumValueDescriptor) value).getIndex()).as(field.getFullName()).isNotNegative();
      checked++;
    }
    if (rules.hasUint32()) {
      long number =
          Integer.toUnsignedLong(value instanceof UInt32Value box ? box.getValue() : (int) value);
      assertThat(number)
          .as(field.getFullName())
          .isGreaterThanOrEqualTo(rules.getUint32().getGte())
          .isLessThanOrEqualTo(rules.getUint32().hasLte() ? rules.getUint32().getLte() : number);
      checked++;
    }
  }

  /** How many rules there were to check. */
  int checked() {
    return checked;
  }
}
