package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.resources.v1.Namespace;
import io.sluice.api.resources.v1.Permission;
import io.sluice.api.resources.v1.Service;
import io.sluice.api.resources.v1.Settings;
import io.sluice.api.resources.v1.TrafficRoute;
import io.sluice.api.resources.v1.Workload;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot be used is named with its field. */
class UnusableResourceTest {
  private static final ResourceKey POD = Kind.WORKLOAD.key("shop/buyer");
  private static final ResourceKey STORE = Kind.SERVICE.key("shop/store");

  /**
   * Key; field; what is otherwise than in a good content, in the text format of protobuf, with a
   * number before it where it is there so often, and {@code <x*5>} for five x.
   */
  private static final String ROWS =
      """
      workload/shop/buyer | name | namespace: ""
      workload/shop/buyer | name | name: "bu/yer"
      workload/shop/buyer | name | name: "another"
      workload/shop/buyer | identity | identity: "spiffe://cluster.local/shop"
      workload/shop/buyer | addresses | addresses: "12345"
      workload/shop/buyer | addresses | 65 addresses: "abcd"
      workload/shop/buyer | labels | labels { key: "<x*5000>" value: "y" }
      workload/shop/buyer | labels | labels { key: "x" value: "<y*5000>" }
      workload/shop/buyer | netns | netns: "/run/\\000/x"
      workload/shop/buyer | netns | netns: "<x*4097>"
      workload/shop/buyer | uid | uid: "not one"
      workload/shop/buyer | node_name | node_name: "<n*254>"
      workload/shop/buyer | enrolled | host_network: true
      workload/shop/buyer | probe_ports | probe_ports: 0
      workload/shop/buyer | probe_ports | probe_ports: 65536
      workload/shop/buyer | probe_ports | probe_ports: 4294967295
      workload/shop/buyer | interception.inbound_port_exclusions | interception { inbound_port_exclusions: 70000 }
      workload/shop/buyer | interception.outbound_range_exclusions | interception { outbound_range_exclusions { network: "abcd" prefix_length: 33 } }
      workload/shop/buyer | interception.outbound_range_inclusions | interception { outbound_range_inclusions { network: "abcd" prefix_length: 8 } }
      workload/shop/buyer | interception.interface_exclusions | interception { interface_exclusions: "<e*65>" }
      service/shop/store | name | name: "s/s"
      service/shop/store | ports.port | ports { protocol: "http" }
      service/shop/store | ports.declared | ports { port: 80 declared: "spdy" }
      service/shop/store | ports.protocol | ports { port: 80 protocol: "spdy" }
      service/shop/store | ports.name | ports { port: 80 protocol: "http" name: "<n*257>" }
      service/shop/store | ports.endpoints.port | ports { port: 80 protocol: "http" endpoints { address: "abcd" } }
      service/shop/store | ports.endpoints.address | ports { port: 80 protocol: "http" endpoints { port: 8080 } }
      service/shop/store | ports.endpoints | ports { port: 80 protocol: "http" <endpoints {} *40001> }
      service/shop/store | virtual_addresses | virtual_addresses: ""
      service/shop/store | ports | 1025 ports { port: 80 protocol: "http" }
      permission/shop/grant | name | name: ""
      permission/shop/grant | destination | destination: "store"
      permission/shop/grant | sources | sources: "a/b/c"
      permission/shop/grant | ports | ports: 0
      permission/shop/grant | sources | sources: "shop/buyer" requests {}
      permission/shop/grant | requests.routes.path | requests { routes { path: "(" } }
      permission/shop/grant | requests.routes.name | requests { routes { name: "<n*257>" } }
      permission/shop/grant | requests.routes.methods | requests { routes { methods: "G\\000T" } }
      permission/shop/grant | requests.routes.headers | requests { routes { headers { key: "host" value: "[" } } }
      permission/shop/grant | requests.routes.headers | requests { routes { headers { key: "host" value: "a" } headers { key: "Host" value: "b" } } }
      route/shop/split | name | name: ""
      route/shop/split | service | service: "store"
      route/shop/split | rules | 1025 rules {}
      route/shop/split | rules.backends | rules { backends { service: "store" } }
      route/shop/split | rules.backends | rules { backends { service: "shop/store" weight: -1 } }
      route/shop/split | rules.backends | rules { backends { service: "shop/store" weight: 1000001 } }
      settings/mesh | trust_domain | trust_domain: ""
      settings/mesh | denied_identities | denied_identities: "nobody"
      settings/mesh | denied_serials | denied_serials: ""
      settings/mesh | denied_serials | denied_serials: "<x*22>"
      settings/other | name |
      namespace/shop | name | name: "" membership: INSIDE
      namespace/shop | membership |
      namespace/shop | membership | membership: 9
      """;

  /** One content with one mistake. */
  record Mistake(ResourceKey key, String field, Message content) {}

  static Stream<Mistake> mistakes() {
    return ROWS.lines().map(UnusableResourceTest::mistake);
  }

  private static Mistake mistake(String row) {
    String[] cells = row.split(" \\|( |$)", -1);
    ResourceKey key = ResourceKey.parse(cells[0]);
    Matcher often = Pattern.compile("(\\d+) (.*)").matcher(cells[2]);
    String text =
        often.matches()
            ? often.group(2).concat(" ").repeat(Integer.parseInt(often.group(1)))
            : cells[2];
    Message.Builder content = good(key.kind());
    try {
      TextFormat.merge(
          Pattern.compile("<([^<*]*)\\*(\\d+)>")
              .matcher(text)
              .replaceAll(part -> part.group(1).repeat(Integer.parseInt(part.group(2)))),
          content);
    } catch (TextFormat.ParseException e) {
      throw new IllegalArgumentException(row, e);
    }
    return new Mistake(key, cells[1], content.build());
  }

  private static Message.Builder good(String kind) {
    return switch (kind) {
      case "workload" -> pod();
      case "service" -> Service.newBuilder().setNamespace("shop").setName("store");
      case "permission" ->
          Permission.newBuilder()
              .setNamespace("shop")
              .setName("grant")
              .setDestination("shop/store");
      case "route" ->
          TrafficRoute.newBuilder().setNamespace("shop").setName("split").setService("shop/store");
      case "settings" -> Settings.newBuilder().setTrustDomain("cluster.local");
      case "namespace" -> Namespace.newBuilder().setName("shop");
      default -> throw new IllegalArgumentException(kind);
    };
  }

  private static Workload.Builder pod() {
    return Workload.newBuilder()
        .setNamespace("shop")
        .setName("buyer")
        .setIdentity("spiffe://cluster.local/ns/shop/sa/buyer")
        .setEnrolled(true);
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void mistakeIsNamedWithItsField(Mistake mistake) {
    UnusableResourceException refusal = refusal(Resources.of(mistake.key(), mistake.content()));

    String field = mistake.field().isEmpty() ? "" : " " + mistake.field();
    assertThat(refusal)
        .hasMessageStartingWith(mistake.key() + field + ": ")
        .hasMessageContaining("; ");
  }

  private static UnusableResourceException refusal(Resource resource) {
    return catchThrowableOfType(
        UnusableResourceException.class, () -> ResourceDecoder.decode(resource));
  }

  @Test
  void contentOfAnotherVersionIsRefused() {
    Resource good = Resources.of(POD, pod().build());

    assertThat(refusal(good.toBuilder().setVersion("0" + good.getVersion()).build()))
        .hasMessageContaining("version");
  }

  @Test
  void contentBeyondTheLimitIsRefusedUnread() {
    Resource good = Resources.of(POD, pod().build());
    ByteString much = ByteString.copyFrom(new byte[WireLimits.CONTENT_BYTES + 1]);

    assertThat(refusal(Resources.with(good, much))).hasMessageContaining("1048577 bytes");
  }

  @Test
  void typeOfALaterReleaseIsRefused() {
    Resource good = Resources.of(POD, pod().build());
    Resource later = good.toBuilder().setName("quota/shop/buyer").build();
    Resource other = Resources.of(STORE, pod().build());

    assertThat(refusal(later)).hasMessageContaining(" kind: ");
    assertThat(refusal(other)).hasMessageContaining("of another type");
  }

  @Test
  void longNamesAreNotRepeatedInFull() {
    Resource named = Resources.of(Kind.WORKLOAD.key("n".repeat(10_000)), pod().build());

    assertThat(refusal(named).getMessage()).hasSizeLessThan(300);
  }

  @Test
  void objectThatNoNodeCouldUseIsNotEncoded() {
    var service = new RandomObjects(3).service();
    var huge =
        new io.sluice.mesh.Service(
            service.name(),
            Collections.nCopies(
                WireLimits.VIRTUAL_ADDRESSES + 1, io.sluice.mesh.IpAddresses.parse("10.0.0.1")),
            List.of());

    UnusableResourceException refusal =
        catchThrowableOfType(UnusableResourceException.class, () -> ResourceEncoder.encode(huge));

    assertThat(refusal).hasMessageContaining(" virtual_addresses: ");
  }
}
