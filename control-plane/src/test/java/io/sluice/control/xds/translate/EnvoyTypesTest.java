package io.sluice.control.xds.translate;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.UInt32Value;
import io.grpc.xds.shaded.io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.grpc.xds.shaded.io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.grpc.xds.shaded.io.envoyproxy.envoy.config.listener.v3.Listener;
import io.grpc.xds.shaded.io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.grpc.xds.shaded.io.envoyproxy.envoy.extensions.filters.http.router.v3.Router;
import io.grpc.xds.shaded.io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.grpc.xds.shaded.io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.Secret;
import io.grpc.xds.shaded.io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.grpc.xds.shaded.io.envoyproxy.pgv.validate.Validate;
import io.grpc.xds.shaded.io.envoyproxy.pgv.validate.Validate.FieldRules;
import io.sluice.control.distribution.RandomMesh;
import io.sluice.control.xds.StoreMesh;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Our small types, judged by Envoy's whole ones, which gRPC's client carries. */
class EnvoyTypesTest {
  private static final int MESHES = 100;

  private static final Map<String, Message> WHOLE =
      Stream.of(
              Listener.getDefaultInstance(),
              HttpConnectionManager.getDefaultInstance(),
              Router.getDefaultInstance(),
              RouteConfiguration.getDefaultInstance(),
              Cluster.getDefaultInstance(),
              ClusterLoadAssignment.getDefaultInstance(),
              Secret.getDefaultInstance(),
              UpstreamTlsContext.getDefaultInstance(),
              DiscoveryRequest.getDefaultInstance(),
              DiscoveryResponse.getDefaultInstance(),
              DeltaDiscoveryRequest.getDefaultInstance(),
              DeltaDiscoveryResponse.getDefaultInstance())
          .collect(
              Collectors.toMap(
                  message -> message.getDescriptorForType().getFullName(), Function.identity()));

  private static final List<Descriptor> OURS =
      List.of(
          io.sluice.api.envoy.listener.Listener.getDescriptor(),
          io.sluice.api.envoy.http.HttpConnectionManager.getDescriptor(),
          io.sluice.api.envoy.router.Router.getDescriptor(),
          io.sluice.api.envoy.route.RouteConfiguration.getDescriptor(),
          io.sluice.api.envoy.cluster.Cluster.getDescriptor(),
          io.sluice.api.envoy.endpoint.ClusterLoadAssignment.getDescriptor(),
          io.sluice.api.envoy.tls.Secret.getDescriptor(),
          io.sluice.api.envoy.tls.UpstreamTlsContext.getDescriptor(),
          io.sluice.api.envoy.discovery.DiscoveryRequest.getDescriptor(),
          io.sluice.api.envoy.discovery.DiscoveryResponse.getDescriptor(),
          io.sluice.api.envoy.discovery.DeltaDiscoveryRequest.getDescriptor(),
          io.sluice.api.envoy.discovery.DeltaDiscoveryResponse.getDescriptor());

  @Test
  void everyFieldOfOursIsOneOfTheirs() {
    Set<String> compared = new HashSet<>();
    for (Descriptor ours : OURS) {
      compare(ours, whole(ours.getFullName()).getDescriptorForType(), compared);
    }
    assertThat(compared).contains("envoy.config.core.v3.SocketAddress", "google.rpc.Status");
  }

  private static Message whole(String type) {
    return Objects.requireNonNull(WHOLE.get(type), type);
  }

  private static void compare(Descriptor ours, Descriptor theirs, Set<String> compared) {
    assertThat(ours.getFullName()).isEqualTo(theirs.getFullName());
    if (!compared.add(ours.getFullName())) {
      return;
    }
    for (FieldDescriptor field : ours.getFields()) {
      FieldDescriptor same = theirs.findFieldByNumber(field.getNumber());
      assertThat(same).as(field.getFullName()).isNotNull();
      assertThat(shape(field)).isEqualTo(shape(same));
      switch (field.getJavaType()) {
        case MESSAGE -> compare(field.getMessageType(), same.getMessageType(), compared);
        case ENUM -> {
          for (EnumValueDescriptor value : field.getEnumType().getValues()) {
            assertThat(same.getEnumType().findValueByNumber(value.getNumber()))
                .as(value.getFullName())
                .extracting(EnumValueDescriptor::getName)
                .isEqualTo(value.getName());
          }
        }
        default -> {} // the shape says it
      }
    }
  }

  private static String shape(FieldDescriptor field) {
    return field.getFullName()
        + " "
        + field.getType()
        + (field.isRepeated() ? " repeated" : "")
        + (field.getRealContainingOneof() == null
            ? ""
            : " in " + field.getRealContainingOneof().getName());
  }

  @Test
  void everythingThatIsToldIsWholeInTheirTypes() throws Exception {
    EnvoyRules rules = new EnvoyRules();
    Set<String> seen = new HashSet<>();
    for (int seed = 0; seed < MESHES; seed++) {
      MeshSnapshot snapshot = new RandomMesh(seed).snapshot(seed + 1);
      for (Workload pod : snapshot.workloads()) {
        check(snapshot, pod.identity(), "", rules, seen);
      }
    }
    MeshSnapshot store =
        new StoreMesh(IpAddresses.parse("fd00::3"), AppProtocol.TLS).behind(443).snapshot();
    check(store, SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/buyer"), "mesh", rules, seen);

    assertThat(rules.checked()).as("rules").isGreaterThan(100 * MESHES);
    assertThat(seen)
        .contains(
            "envoy.extensions.filters.http.router.v3.Router",
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext");
  }

  private static void check(
      MeshSnapshot snapshot,
      SpiffeId asker,
      String certificateProvider,
      EnvoyRules rules,
      Set<String> seen)
      throws Exception {
    Catalogue catalogue =
        new Translation(snapshot, List.of(), Set.of(TrustDomain.CLUSTER_LOCAL))
            .of(new Translation.Asker(asker, certificateProvider));
    for (XdsType type : XdsType.values()) {
      for (String name : catalogue.names(type)) {
        check(catalogue.get(type, name).orElseThrow().content(), rules, seen);
      }
    }
  }

  private static void check(Any packed, EnvoyRules rules, Set<String> seen) throws Exception {
    String type = packed.getTypeUrl().substring(packed.getTypeUrl().indexOf('/') + 1);
    seen.add(type);
    Message whole = whole(type).getParserForType().parseFrom(packed.getValue());
    rules.check(whole);
    for (Any inner : packedIn(whole)) {
      check(inner, rules, seen);
    }
  }

  private static List<Any> packedIn(Message message) {
    List<Any> found = new ArrayList<>();
    message
        .getAllFields()
        .forEach((field, value) -> {
          List<?> values = field.isRepeated() ? (List<?>) value : List.of(value);
          for (Object each : values) {
            if (each instanceof Any packed) {
              found.add(packed);
            } else if (each instanceof Message nested) {
              found.addAll(packedIn(nested));
            }
          }
        });
    return found;
  }

  /** Whether messages of Envoy's own types are whole, by the rules that those types carry. */
  private static final class EnvoyRules {
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
        assertThat(((EnumValueDescriptor) value).getIndex())
            .as(field.getFullName())
            .isNotNegative();
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
}
