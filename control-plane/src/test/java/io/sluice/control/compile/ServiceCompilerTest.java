package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Service;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.WarmUp;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServiceCompilerTest {
  private static final String SLICE =
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: %s, namespace: shop, labels: {kubernetes.io/service-name: web}}
      addressType: IPv4
      ports: [{name: http, port: 8080}, {name: admin, port: 9000}]
      endpoints: [{addresses: [%s], conditions: {ready: %s}}]
      """;

  @Test
  void takesEndpointsOfAllItsSlicesByPortName() {
    CompiledChange compilation =
        Manifests.compile(
            service("{name: http, port: 80}", "clusterIP: 10.96.0.1, selector: {app: a}"),
            SLICE.formatted("web-2", "10.0.0.10", true),
            SLICE.formatted("web-1", "10.0.0.9", false),
            SLICE.formatted("web-3", "10.0.0.9", true),
            Manifests.enrolledPod("a", "10.0.0.1"));

    assertThat(endpoints(compilation)).containsExactly("10.0.0.9:8080", "10.0.0.10:8080");
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "; ; HTTP UNDECLARED TLS",
        "off; ; TCP TCP TLS",
        "; off; TCP TCP TLS",
        "on; off; HTTP UNDECLARED TLS",
        "off; on; TCP TCP TLS",
        "wrong; off; HTTP UNDECLARED TLS"
      })
  void portsStayBytesWhereL7IsOff(@Nullable String own, @Nullable String around, String expected) {
    CompiledChange compilation =
        Manifests.compile(
            """
            apiVersion: v1
            kind: Namespace
            metadata: {name: shop%s}
            """
                .formatted(l7(around)),
            """
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: shop%s}
            spec:
              clusterIP: None
              ports: [{name: http, port: 1}, {name: a, port: 2}, {name: https, port: 3}]
            """
                .formatted(l7(own)));

    assertThat(
            web(compilation).ports().stream()
                .map(port -> port.protocol().name())
                .collect(Collectors.joining(" ")))
        .isEqualTo(expected);
    assertThat(compilation.statuses()).hasSize("wrong".equals(own) ? 1 : 0);
  }

  private static String l7(@Nullable String word) {
    return word == null ? "" : ", annotations: {sluice.io/l7: \"" + word + "\"}";
  }

  @Test
  void derivesEndpointsFromItsPodsWhereNoSliceExists() {
    CompiledChange compilation =
        Manifests.compile(
            service("{port: 80, targetPort: http}", "selector: {tier: front}"),
            pod("a", "10.0.0.1", "front", "http, containerPort: 8080", "True"),
            pod("b", "10.0.0.2", "front", "http, containerPort: 8081", "False"),
            pod("c", "10.0.0.3", "back", "http, containerPort: 8082", "True"),
            pod("d", "10.0.0.4", "front", "other, containerPort: 8083", "True"),
            pod("e", "10.0.0.5", "front", "http, containerPort: 8084, protocol: UDP", "True"),
            pod("f", "10.0.0.6", "front", "http, containerPort: 8085", "True")
                .replace("status: {", "status: {phase: Succeeded, "),
            pod("g", "10.0.0.7", "front", "http, containerPort: 8086", "True")
                .replace("namespace: shop", "namespace: other"));

    assertThat(endpoints(compilation)).containsExactly("10.0.0.1:8080", "10.0.0.2:8081 unready");
  }

  @Test
  void derivesNumberedTargetsAndHonoursPublishNotReady() {
    CompiledChange compilation =
        Manifests.compile(
            service(
                "{port: 80, targetPort: 1234}",
                "clusterIP: None, selector: {tier: front}, publishNotReadyAddresses: true"),
            pod("a", "10.0.0.1", "front", "x, containerPort: 1", "False"));

    assertThat(endpoints(compilation)).containsExactly("10.0.0.1:1234");
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void derivesOnlyAddressesOfTheFamiliesOfTheService() {
    String dualStack =
        pod("a", "10.0.0.1", "front", "x, containerPort: 1", "True")
            .replace("podIPs: [", "podIPs: [{ip: \"fd00::1\"}, ");

    assertThat(
            endpoints(
                Manifests.compile(
                    service("{port: 80}", "clusterIP: 10.96.0.1, selector: {tier: front}"),
                    dualStack)))
        .containsExactly("10.0.0.1:80");
    assertThat(
            endpoints(
                Manifests.compile(
                    service(
                        "{port: 80}",
                        "clusterIP: None, ipFamilies: [IPv6], selector: {tier: front}"),
                    dualStack)))
        .containsExactly("fd00:0:0:0:0:0:0:1:80");
    assertThat(
            endpoints(
                Manifests.compile(
                    service("{port: 80}", "clusterIP: None, selector: {tier: front}"), dualStack)))
        .containsExactly("10.0.0.1:80", "fd00:0:0:0:0:0:0:1:80");
  }

  @Test
  void derivesNothingWithoutASelector() {
    assertThat(
            endpoints(
                Manifests.compile(
                    service("{port: 80}", "clusterIP: 10.96.0.1"),
                    Manifests.enrolledPod("a", "10.0.0.1"))))
        .isEmpty();
  }

  @Test
  void leavesOutOtherTransportsAndExternalNames() {
    CompiledChange compilation =
        Manifests.compile(
            service(
                "{name: dns, port: 53, protocol: UDP}, {name: other, port: 53, protocol: SCTP},"
                    + " {name: db, port: 1}",
                "clusterIP: None"),
            "{apiVersion: v1, kind: Service, metadata: {name: out}, "
                + "spec: {type: ExternalName, externalName: example.com}}",
            SLICE.formatted("lost", "10.0.0.1", true).replace("web", ""),
            SLICE
                .formatted("names", "example.com", true)
                .replace("addressType: IPv4", "addressType: FQDN"));

    assertThat(web(compilation).ports()).extracting("port").containsExactly(1);
    assertThat(compilation.snapshot().all(Kind.DATAGRAM_SERVICE))
        .singleElement()
        .satisfies(
            one -> assertThat(one.service().ports()).extracting("name").containsExactly("dns"));
    assertThat(compilation.snapshot().services()).hasSize(1);
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::reason)
        .containsExactly(
            "it belongs to no Service",
            "endpoints by host name are not used",
            "a Service of type ExternalName has no endpoints",
            "ports that are neither TCP nor UDP are left alone: 53/SCTP");
  }

  @Test
  void givesAClusterIpToOneServiceOnly() {
    String first = service("{port: 80}", "clusterIP: 10.96.0.1");
    String later =
        first.replace(
            "name: web", "creationTimestamp: 2026-01-02T00:00:00Z, name: earlier-by-name");
    CompiledChange compilation =
        Manifests.compile(
            first.replace("name: web", "creationTimestamp: 2026-01-01T00:00:00Z, name: web"),
            later);

    assertThat(web(compilation).virtualAddresses()).hasSize(1);
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::reason)
        .containsExactly("cluster IP 10.96.0.1 already belongs to Service shop/web");
  }

  @Test
  void endpointsWarmUpAsTheirPodElseTheServiceElseTheNamespaceSays() {
    String words = "annotations: {flomesh.io/traffic-warmup-enable: ";
    String service =
        service("{port: 80}", "clusterIP: 10.96.0.1, selector: {tier: front}")
            .replace(
                "namespace: shop",
                "namespace: shop, "
                    + words
                    + "\"yes\", openservicemesh.io/traffic-warmup-duration: 1m30s,"
                    + " sluice.io/traffic-warmup-minweight: \"20\","
                    + " flomesh.io/traffic-warmup-maxweight: \"80\","
                    + " flomesh.io/traffic-warmup-aggression: \"1.5\"}");
    String since = "status: \"True\", lastTransitionTime: \"2026-01-01T00:00:00Z\"";
    String[] pods = {
      pod("a", "10.0.0.1", "front", "x, containerPort: 1", "True")
          .replace("status: \"True\"", since),
      pod("b", "10.0.0.2", "front", "x, containerPort: 1", "True")
          .replace("status: \"True\"", since)
          .replace("labels:", words + "disabled}, labels:"),
      pod("c", "10.0.0.3", "front", "x, containerPort: 1", "True")
          .replace("labels:", words + "enabled}, labels:")
    };
    WarmUp ofService = new WarmUp(0, Duration.ofSeconds(90), 20, 80, 1.5);
    WarmUp ofPod = new WarmUp(0, Duration.ofSeconds(90), 10, 100, 1);

    CompiledChange compilation = Manifests.compile(service, pods[0], pods[1], pods[2]);
    assertThat(warmUps(compilation)).containsExactly(ofService.since(1_767_225_600), null, ofPod);
    assertThat(compilation.statuses()).isEmpty();

    String slices = SLICE.formatted("web-1", "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4", true);
    assertThat(
            warmUps(
                Manifests.compile(
                    service,
                    pods[0],
                    pods[1],
                    pods[2],
                    slices.replace("{name: http, port: 8080}", "{port: 80}"))))
        .as("of slices, with an address that is no pod's")
        .containsExactly(ofService.since(1_767_225_600), null, ofPod, ofService);

    assertThat(
            warmUps(
                Manifests.compile(
                    service("{port: 80}", "clusterIP: 10.96.0.1, selector: {tier: front}"),
                    "{apiVersion: v1, kind: Namespace, metadata: {name: shop, " + words + "yes}}}",
                    pods[0],
                    pods[1])))
        .containsExactly(ofPod.since(1_767_225_600), null);
  }

  @Test
  void inPlaceOfAWrongWordOfWarmUpTheDefaultHolds() {
    String key = "flomesh.io/traffic-warmup-";
    CompiledChange compilation =
        Manifests.compile(
            service("{port: 80}", "clusterIP: 10.96.0.1, selector: {tier: front}")
                .replace(
                    "namespace: shop",
                    ("namespace: shop, annotations: {%1$senable: \"true\", %1$sduration: 2h,"
                            + " %1$sminweight: most, %1$smaxweight: \"0\","
                            + " %1$saggression: \"0.5\"}")
                        .formatted(key)),
            pod("a", "10.0.0.1", "front", "x, containerPort: 1", "True"));

    assertThat(warmUps(compilation)).containsExactly(WarmUpWords.DEFAULT);
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::field)
        .containsExactlyInAnyOrder(
            "metadata.annotations[\"" + key + "duration\"]",
            "metadata.annotations[\"" + key + "minweight\"]",
            "metadata.annotations[\"" + key + "maxweight\"]",
            "metadata.annotations[\"" + key + "aggression\"]");

    assertThat(
            Manifests.compile(
                    service("{port: 80}", "clusterIP: 10.96.0.1")
                        .replace(
                            "namespace: shop",
                            "namespace: shop, annotations: {" + key + "duration: 10s}"))
                .statuses())
        .extracting(ObjectStatus::reason)
        .containsExactly("says nothing without openservicemesh.io/traffic-warmup-enable");
  }

  @ParameterizedTest
  @CsvSource({
    "'', ANYWHERE",
    "'trafficDistribution: PreferClose, ', PREFER_ZONE",
    "'trafficDistribution: PreferSameZone, ', PREFER_ZONE",
    "'trafficDistribution: PreferSameNode, ', PREFER_NODE",
    "'internalTrafficPolicy: Cluster, ', ANYWHERE",
    "'internalTrafficPolicy: Local, trafficDistribution: PreferClose, ', ONLY_NODE"
  })
  void endpointsAreNearAsTheServiceSays(String said, Nearness nearness) {
    CompiledChange compilation =
        Manifests.compile(service("{port: 80}", said + "clusterIP: 10.96.0.1"));
    assertThat(web(compilation).nearness()).isEqualTo(nearness);
    assertThat(compilation.statuses()).isEmpty();
  }

  @Test
  void wordForDistributionThatIsNotKnownIsTold() {
    assertThat(
            Manifests.compile(
                    service("{port: 80}", "trafficDistribution: Round, clusterIP: 10.96.0.1"))
                .statuses())
        .extracting(ObjectStatus::field, ObjectStatus::reason)
        .containsExactly(tuple("spec.trafficDistribution", "is not enforced yet"));
  }

  @ParameterizedTest
  @CsvSource({
    "'sessionAffinity: ClientIP, ', 125, true, 125",
    "'sessionAffinity: ClientIP, ', 0, true, 0",
    "'', 125, false, 0"
  })
  void boundOfLoadIsForClientsThatStayWithAnEndpoint(
      String said, String written, boolean byClient, int percent) {
    CompiledChange compilation =
        Manifests.compile(
            service("{port: 80}", said + "clusterIP: 10.96.0.1")
                .replace(
                    "namespace: shop",
                    "namespace: shop, annotations: {sluice.io/affinity-max-load: '"
                        + written
                        + "'}"));
    assertThat(web(compilation).affinity()).isEqualTo(new SessionAffinity(byClient, percent));
  }

  private static List<WarmUp> warmUps(CompiledChange compilation) {
    return web(compilation).ports().getFirst().endpoints().stream()
        .map(Endpoint::warmUpOrNull)
        .toList();
  }

  private static List<String> endpoints(CompiledChange compilation) {
    return web(compilation).ports().getFirst().endpoints().stream()
        .map(endpoint ->
            endpoint.address().getAddress().getHostAddress()
                + ":"
                + endpoint.address().getPort()
                + (endpoint.ready() ? "" : " unready"))
        .toList();
  }

  private static Service web(CompiledChange compilation) {
    return compilation.snapshot().service(new NamespacedName("shop", "web")).orElseThrow();
  }

  private static String service(String ports, String spec) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec: {%s, ports: [%s]}
    """
        .formatted(spec, ports);
  }

  private static String pod(String name, String address, String tier, String port, String ready) {
    return Manifests.pod(
            name,
            address,
            "labels: {tier: " + tier + "}",
            "containers: [{ports: [{name: " + port + "}]}]")
        .replace("status: {", "status: {conditions: [{type: Ready, status: \"" + ready + "\"}], ");
  }
}
