package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.resources.v1.Backend;
import io.sluice.api.resources.v1.Endpoint;
import io.sluice.api.resources.v1.HttpMatch;
import io.sluice.api.resources.v1.Interception;
import io.sluice.api.resources.v1.Namespace;
import io.sluice.api.resources.v1.Permission;
import io.sluice.api.resources.v1.Range;
import io.sluice.api.resources.v1.Requests;
import io.sluice.api.resources.v1.RouteRule;
import io.sluice.api.resources.v1.Service;
import io.sluice.api.resources.v1.ServicePort;
import io.sluice.api.resources.v1.Settings;
import io.sluice.api.resources.v1.TrafficRoute;
import io.sluice.api.resources.v1.Workload;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot be used is named with its field. */
class UnusableResourceTest {
  private static final ByteString ADDRESS = ByteString.copyFrom(new byte[] {10, 0, 0, 1});
  private static final ResourceKey POD = Kind.WORKLOAD.key("shop/buyer");
  private static final ResourceKey STORE = Kind.SERVICE.key("shop/store");
  private static final ResourceKey GRANT = Kind.PERMISSION.key("shop/grant");
  private static final ResourceKey SPLIT = Kind.ROUTE.key("shop/split");
  private static final ResourceKey SHOP = Kind.NAMESPACE.key("shop");

  private static final ResourceKey SETTINGS = Kind.SETTINGS.key(MeshSettings.NAME);

  /** One content with one mistake. */
  record Mistake(ResourceKey key, String field, Message content) {}

  static Stream<Mistake> mistakes() {
    return Stream.of(workloads(), services(), permissions(), routes(), settings(), namespaces())
        .flatMap(each -> each);
  }

  private static Stream<Mistake> workloads() {
    Interception.Builder exclusions = Interception.newBuilder();
    return Stream.of(
        pod("name", pod().setNamespace("")),
        pod("name", pod().setName("bu/yer")),
        pod("name", pod().setName("another")),
        pod("identity", pod().setIdentity("spiffe://cluster.local/shop")),
        pod("addresses", pod().addAddresses(ByteString.copyFrom(new byte[5]))),
        pod("addresses", pod().addAllAddresses(Collections.nCopies(65, ADDRESS))),
        pod("labels", pod().putLabels("x".repeat(5_000), "y")),
        pod("labels", pod().putLabels("x", "y".repeat(5_000))),
        pod("netns", pod().setNetns("/run/\0/x")),
        pod("netns", pod().setNetns("x".repeat(4_097))),
        pod("uid", pod().setUid("not one")),
        pod("node_name", pod().setNodeName("n".repeat(254))),
        pod("enrolled", pod().setHostNetwork(true)),
        pod("probe_ports", pod().addProbePorts(0)),
        pod("probe_ports", pod().addProbePorts(65_536)),
        pod("probe_ports", pod().addProbePorts(-1)),
        pod(
            "interception.inbound_port_exclusions",
            pod().setInterception(exclusions.clone().addInboundPortExclusions(70_000))),
        pod(
            "interception.outbound_range_exclusions",
            pod()
                .setInterception(
                    exclusions
                        .clone()
                        .addOutboundRangeExclusions(
                            Range.newBuilder().setNetwork(ADDRESS).setPrefixLength(33)))),
        pod(
            "interception.outbound_range_inclusions",
            pod()
                .setInterception(
                    exclusions
                        .clone()
                        .addOutboundRangeInclusions(
                            Range.newBuilder().setNetwork(ADDRESS).setPrefixLength(8)))),
        pod(
            "interception.interface_exclusions",
            pod().setInterception(exclusions.clone().addInterfaceExclusions("e".repeat(65)))));
  }

  private static Workload.Builder pod() {
    return Workload.newBuilder()
        .setNamespace("shop")
        .setName("buyer")
        .setIdentity("spiffe://cluster.local/ns/shop/sa/buyer")
        .setEnrolled(true);
  }

  private static Mistake pod(String field, Workload.Builder content) {
    return new Mistake(POD, field, content.build());
  }

  private static Stream<Mistake> services() {
    ServicePort good = ServicePort.newBuilder().setPort(80).setProtocol("http").build();
    Endpoint endpoint = Endpoint.newBuilder().setAddress(ADDRESS).setPort(8080).build();
    return Stream.of(
        service("name", good, "s/s"),
        service("ports.port", good.toBuilder().setPort(0).build(), "store"),
        service("ports.declared", good.toBuilder().setDeclared("spdy").build(), "store"),
        service("ports.protocol", good.toBuilder().setProtocol("spdy").build(), "store"),
        service("ports.name", good.toBuilder().setName("n".repeat(257)).build(), "store"),
        service(
            "ports.endpoints.port",
            good.toBuilder().addEndpoints(endpoint.toBuilder().setPort(0)).build(),
            "store"),
        service(
            "ports.endpoints.address",
            good.toBuilder()
                .addEndpoints(endpoint.toBuilder().setAddress(ByteString.EMPTY))
                .build(),
            "store"),
        service(
            "ports.endpoints",
            good.toBuilder().addAllEndpoints(Collections.nCopies(40_001, endpoint)).build(),
            "store"),
        new Mistake(
            STORE,
            "virtual_addresses",
            Service.newBuilder()
                .setNamespace("shop")
                .setName("store")
                .addVirtualAddresses(ByteString.EMPTY)
                .build()),
        new Mistake(
            STORE,
            "ports",
            Service.newBuilder().addAllPorts(Collections.nCopies(1_025, good)).build()));
  }

  private static Mistake service(String field, ServicePort port, String name) {
    return new Mistake(
        STORE,
        field,
        Service.newBuilder().setNamespace("shop").setName(name).addPorts(port).build());
  }

  private static Stream<Mistake> permissions() {
    Permission good =
        Permission.newBuilder()
            .setNamespace("shop")
            .setName("grant")
            .setDestination("shop/store")
            .addSources("shop/buyer")
            .build();
    return Stream.of(
        new Mistake(GRANT, "name", good.toBuilder().setName("").build()),
        new Mistake(GRANT, "destination", good.toBuilder().setDestination("store").build()),
        new Mistake(GRANT, "sources", good.toBuilder().addSources("a/b/c").build()),
        new Mistake(GRANT, "ports", good.toBuilder().addPorts(0).build()),
        new Mistake(
            GRANT, "sources", good.toBuilder().setRequests(Requests.getDefaultInstance()).build()),
        requests("requests.routes.path", HttpMatch.newBuilder().setPath("(")),
        requests("requests.routes.name", HttpMatch.newBuilder().setName("n".repeat(257))),
        requests("requests.routes.methods", HttpMatch.newBuilder().addMethods("G\0T")),
        requests("requests.routes.headers", HttpMatch.newBuilder().putHeaders("host", "[")),
        requests(
            "requests.routes.headers",
            HttpMatch.newBuilder().putHeaders("host", "a").putHeaders("Host", "b")));
  }

  private static Mistake requests(String field, HttpMatch.Builder route) {
    return new Mistake(
        GRANT,
        field,
        Permission.newBuilder()
            .setNamespace("shop")
            .setName("grant")
            .setDestination("shop/store")
            .setRequests(Requests.newBuilder().addSources("shop/buyer").addRoutes(route))
            .build());
  }

  private static Stream<Mistake> routes() {
    TrafficRoute good =
        TrafficRoute.newBuilder()
            .setNamespace("shop")
            .setName("split")
            .setService("shop/store")
            .build();
    return Stream.of(
        new Mistake(SPLIT, "name", good.toBuilder().setName("").build()),
        new Mistake(SPLIT, "service", good.toBuilder().setService("store").build()),
        new Mistake(
            SPLIT,
            "rules",
            good.toBuilder()
                .addAllRules(Collections.nCopies(65, RouteRule.getDefaultInstance()))
                .build()),
        backend(good, Backend.newBuilder().setService("store")),
        backend(good, Backend.newBuilder().setService("shop/store").setWeight(-1)),
        backend(good, Backend.newBuilder().setService("shop/store").setWeight(1_000_001)));
  }

  private static Mistake backend(TrafficRoute good, Backend.Builder backend) {
    return new Mistake(
        SPLIT,
        "rules.backends",
        good.toBuilder().addRules(RouteRule.newBuilder().addBackends(backend)).build());
  }

  private static Stream<Mistake> settings() {
    Settings good = Settings.newBuilder().setTrustDomain("cluster.local").build();
    return Stream.of(
        new Mistake(SETTINGS, "trust_domain", good.toBuilder().setTrustDomain("").build()),
        new Mistake(
            SETTINGS, "denied_identities", good.toBuilder().addDeniedIdentities("nobody").build()),
        new Mistake(
            SETTINGS,
            "denied_serials",
            good.toBuilder().addDeniedSerials(ByteString.EMPTY).build()),
        new Mistake(
            SETTINGS,
            "denied_serials",
            good.toBuilder().addDeniedSerials(ByteString.copyFrom(new byte[22])).build()),
        new Mistake(Kind.SETTINGS.key("other"), "name", good));
  }

  private static Stream<Mistake> namespaces() {
    return Stream.of(
        new Mistake(SHOP, "name", Namespace.newBuilder().setMembershipValue(1).build()),
        new Mistake(SHOP, "membership", Namespace.newBuilder().setName("shop").build()),
        new Mistake(
            SHOP,
            "membership",
            Namespace.newBuilder().setName("shop").setMembershipValue(9).build()));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void mistakeIsNamedWithItsField(Mistake mistake) {
    UnusableResourceException refusal = refusal(Resources.of(mistake.key(), mistake.content()));

    assertThat(refusal.key()).isEqualTo(mistake.key());
    assertThat(refusal.field()).isEqualTo(mistake.field());
    assertThat(refusal).hasMessageContaining(mistake.key().toString()).hasMessageContaining("; ");
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

    assertThat(refusal(later).field()).isEqualTo("kind");
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

    assertThat(refusal.field()).isEqualTo("virtual_addresses");
  }
}
