package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.access;
import static io.sluice.scenario.ScenarioManifests.egress;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.ingress;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.tlsFrom;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.call;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.remove;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Who outside the mesh reaches what inside, and the other way: rows of IngressBackend,
 * AccessControl, Egress and Isolation.
 */
final class OutsideScenarios {
  private static final String GATEWAY = "gateway";
  private static final String STRANGER = "stranger";
  private static final String BUYER = "bookbuyer";
  private static final String THIEF = "bookthief";
  private static final String EVERYWHERE = "[0.0.0.0/0, '::/0']";
  private static final String FOUND = "200 outside";
  private static final int TRIES = 50;

  /** Of each cell, so that all are 52. */
  private static final int HANDSHAKES = 52 / Cell.USUAL;

  /** Of one: a pod takes fifty handshakes a second. */
  private static final String HANDSHAKE_RATE = "rate = %d/s".formatted(48 / Cell.USUAL);

  private static final Request BOOKS = Request.get("http://v1:" + Nginx.HTTP + "/books-bought");
  private static final Request OTHER = Request.get("http://v1:" + Nginx.HTTP + "/other");

  private static final Request OUT = Request.get("http://outside:" + Nginx.HTTP + "/books-bought");

  private static final Request OUT_TLS =
      Request.get("https://outside:" + Nginx.TLS + "/").with("insecure");

  private static final Map<Integer, String> OPENED = Map.of(Nginx.HTTP, "http", Nginx.TLS, "tcp");

  private static final Request BOOKS_TLS =
      Request.get("https://v1:" + Nginx.TLS + "/").with("insecure");

  private static final Request SECURE =
      Request.get("https://v1:" + Nginx.HTTP + "/books-bought").with("insecure");

  private OutsideScenarios() {}

  /** Those of {@code site}. */
  static Stream<Scenario> all(ScenarioSite site) {
    Request own = shown(site.root(), site, "gateway", "gateway.edge.cluster.local");
    Request thief = shown(site.root(), site, "thief", "thief.edge.cluster.local");
    Request foreign =
        shown(
            OpensslCertificate.root(site.directory(), "foreign"),
            site,
            "foreign-gateway",
            "gateway.edge.cluster.local");
    String principal = "{kind: AuthenticatedPrincipal, name: gateway.edge.cluster.local}";
    String service = "{kind: Service, name: gateway}";
    return Stream.of(
        Scenario.of(
            "an ingress that has to speak TLS gets in by its certificate and the host it names",
            store(),
            calls(GATEWAY, call(own, "cut")),
            change("ingress", tlsFrom("IngressBackend", "{sniHosts: [v1]}", principal, service)),
            calls(
                GATEWAY,
                times(TRIES, own, "200 v1"),
                call(foreign, "cut"),
                call(SECURE, "cut"),
                call(BOOKS, "cut")),
            calls(STRANGER, call(own, "cut"), call(BOOKS, "cut")),
            calls(GATEWAY, times(HANDSHAKES, thief.with(HANDSHAKE_RATE), "cut")),
            act("each by its principal", cell -> checkRefused(cell, "ingress_principal_refused")),
            change("ingress", tlsFrom("IngressBackend", "{sniHosts: [v2]}", principal, service)),
            calls(GATEWAY, times(HANDSHAKES, own.with(HANDSHAKE_RATE), "cut")),
            act("each by its host", cell -> checkRefused(cell, "ingress_host_refused")),
            change(
                "ingress", tlsFrom("IngressBackend", "{skipClientCertValidation: true}", service)),
            calls(GATEWAY, call(SECURE, "200 v1"), call(foreign, "200 v1"), call(BOOKS, "cut")),
            calls(STRANGER, call(SECURE, "cut")),
            change("ingress", tlsFrom("AccessControl", "{}", principal)),
            calls(STRANGER, call(own, "200 v1"), call(thief, "cut"), call(SECURE, "cut")),
            remove("ingress"),
            calls(GATEWAY, call(own, "cut"), call(SECURE, "cut"))),
        Scenario.of(
            "requests get out by host to the addresses that a name server gives for it",
            Map.of(),
            change("egress", egress(BUYER, Nginx.HTTP, "http", "hosts: [outside, far.example]")),
            calls(BUYER, call(OUT, "cut")),
            change("dns", NameServer.manifest(site.address("outside", Family.IPV4))),
            act(
                "the name is found",
                cell ->
                    Await.until(
                        "the host is reached",
                        () -> cell.ask(BUYER, List.of(OUT)).getFirst().outcome().equals(FOUND))),
            calls(
                BUYER,
                times(TRIES, OUT, FOUND),
                call(OUT.header("Host: far.example"), "403"),
                call(OUT.header("Host: near.example"), "403"),
                call("http://gateway-near:" + Nginx.HTTP + "/", "cut")),
            calls(THIEF, call(OUT, "cut")),
            remove("egress"),
            calls(BUYER, call(OUT, "cut"))),
        Scenario.of(
            "an ingress by the name of its Service reaches its backend, and nobody else does",
            store(),
            calls(GATEWAY, call(BOOKS, "cut")),
            change("ingress", ingress("", "{kind: Service, name: gateway}")),
            calls(
                GATEWAY,
                times(TRIES, BOOKS, "200 v1"),
                call("http://v1:" + Nginx.H2C + "/books-bought", "cut")),
            calls(STRANGER, times(TRIES, BOOKS, "cut")),
            remove("ingress"),
            calls(GATEWAY, times(TRIES, BOOKS, "cut"))),
        Scenario.of(
            "an ingress is let in with the requests that match, and by its range too",
            store(),
            change(
                "ingress",
                ingress(
                    "store", "{kind: IPRange, name: 0.0.0.0/0}", "{kind: IPRange, name: '::/0'}")),
            calls(GATEWAY, call(BOOKS, "200 v1"), call(OTHER, "403")),
            calls(
                STRANGER,
                call(BOOKS, "200 v1"),
                call(Request.of("POST", BOOKS.url()).body("a"), "403"))),
        Scenario.of(
            "an AccessControl lets ranges or a Service in by HTTP and by TCP, and nobody else",
            files(
                "service",
                service(
                    "bookstore",
                    "version: v1",
                    port(80, Nginx.HTTP, ""),
                    port(443, Nginx.TLS, ""),
                    port(81, Nginx.H2C, "")),
                "gateway",
                service("gateway", "app: gateway", port(80, Nginx.HTTP, ""))),
            calls(GATEWAY, call(BOOKS, "cut"), call(BOOKS_TLS, "cut")),
            change("access", access(OPENED, ranges(site, GATEWAY))),
            calls(
                GATEWAY,
                times(TRIES, BOOKS, "200 v1"),
                call(BOOKS_TLS, "200 v1"),
                call("http://v1:" + Nginx.H2C + "/books-bought", "cut")),
            calls(STRANGER, times(TRIES, BOOKS, "cut"), call(BOOKS_TLS, "cut")),
            change("access", access(Map.of(Nginx.TLS, "tcp"), "{kind: Service, name: gateway}")),
            calls(GATEWAY, call(BOOKS, "cut"), call(BOOKS_TLS, "200 v1")),
            calls(STRANGER, call(BOOKS_TLS, "cut")),
            remove("access"),
            calls(GATEWAY, call(BOOKS, "cut"), call(BOOKS_TLS, "cut"))),
        Scenario.of(
            "nothing is sent to an isolated range, whatever else lets it out",
            files(
                ScenarioManifests.MESH_CONFIG,
                Manifests.meshConfig(
                    Map.of(
                        "traffic",
                        "{enablePermissiveTrafficPolicyMode: true, enableEgress: true}")),
                "service",
                service("bookstore", "app: bookstore", port(80, Nginx.HTTP, ""))),
            calls(BUYER, call(OUT, FOUND), call(OUT_TLS, FOUND), call(BOOKS, "200 v1")),
            change("isolation", isolation(site, "outside", "v1", "v3")),
            calls(
                BUYER,
                times(TRIES, OUT, "cut"),
                call(OUT_TLS, "cut"),
                call(BOOKS, "cut"),
                call("http://v2:" + Nginx.HTTP + "/", "200 v2"),
                times(TRIES, Request.get("http://bookstore:80/"), "200 v2")),
            calls(STRANGER, call(OUT, FOUND)),
            remove("isolation"),
            calls(BUYER, call(OUT, FOUND), call(BOOKS, "200 v1"))),
        Scenario.of(
            "an account gets out to a range and port, and nobody else does",
            Map.of(),
            calls(BUYER, call(OUT, "cut")),
            change("egress", egress(BUYER, Nginx.HTTP, "tcp", "ipAddresses: [192.0.2.0/24]")),
            calls(BUYER, call(OUT, "cut")),
            change("egress", egress(BUYER, Nginx.HTTP, "tcp", "ipAddresses: " + EVERYWHERE)),
            calls(
                BUYER,
                times(TRIES, OUT.once(), "200 outside"),
                call(Request.of("POST", OUT.url()).body("a"), "200 outside"),
                call(Request.get("http://outside:" + Nginx.H2C + "/").h2(), "cut")),
            calls(THIEF, times(TRIES, OUT, "cut")),
            remove("egress"),
            calls(BUYER, call(OUT, "cut"))),
        Scenario.of(
            "TLS gets out by the host that it names first",
            Map.of(),
            change(
                "egress",
                egress(
                    BUYER, Nginx.TLS, "https", "hosts: [far.example], ipAddresses: " + EVERYWHERE)),
            calls(BUYER, call(OUT_TLS, "cut")),
            change(
                "egress",
                egress(BUYER, Nginx.TLS, "https", "hosts: [outside], ipAddresses: " + EVERYWHERE)),
            calls(
                BUYER,
                times(TRIES, OUT_TLS, FOUND),
                call("http://outside:" + Nginx.TLS + "/", "cut")),
            calls(THIEF, call(OUT_TLS, "cut")),
            remove("egress"),
            calls(BUYER, call(OUT_TLS, "cut"))),
        Scenario.of(
            "requests get out by host, path and method, and a host alone opens no address",
            store(),
            change("egress", egress(BUYER, Nginx.HTTP, "http", "hosts: [outside, far.example]")),
            calls(BUYER, call(OUT, "cut")),
            change(
                "egress",
                egress(
                    BUYER,
                    Nginx.HTTP,
                    "http",
                    "hosts: [outside, far.example], ipAddresses: "
                        + EVERYWHERE
                        + ", matches: [{kind: HTTPRouteGroup, name: store}]")),
            calls(
                BUYER,
                call(OUT, "200 outside"),
                call(OUT.header("Host: FAR.example"), "200 outside"),
                call(OUT.header("Host: near.example"), "403"),
                call(Request.of("POST", OUT.url()).body("a"), "403"),
                call("http://outside:" + Nginx.HTTP + "/other", "403")),
            calls(THIEF, call(OUT, "cut")),
            remove("egress"),
            calls(BUYER, call(OUT, "cut"))));
  }

  /** Those of all cells, for that and for nothing else. */
  private static void checkRefused(Cell cell, String reason) {
    if (cell.number() == 0) {
      String name = "sluice_proxy_connections_refused_total";
      String label = "reason=\"" + reason + '"';
      Await.untilPasses(
          Await.PATIENCE,
          () ->
              assertThat(cell.site().serving().metric(name, label))
                  .isEqualTo(cell.site().cells().size() * HANDSHAKES));
    }
  }

  /** By a certificate that the controller of a cluster issues. */
  static Stream<Scenario> issued(ScenarioSite site) {
    String name = "client.%s.cluster.local".formatted(Manifests.NAMESPACE);
    Map<String, OpensslCertificate> shown = new ConcurrentHashMap<>();
    Map<String, String> all = new HashMap<>(store());
    all.put(
        ScenarioManifests.MESH_CONFIG,
        Manifests.meshConfig(Map.of("featureFlags", "{enableAccessCertPolicy: true}")));
    all.put(
        "ingress",
        tlsFrom("AccessControl", "{}", "{kind: AuthenticatedPrincipal, name: " + name + "}"));
    all.put(
        "cert",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: AccessCert
        metadata: {name: client, namespace: %s}
        spec: {subjectAltNames: [%s], secret: {name: client-cert}}
        """
            .formatted(Manifests.NAMESPACE, name));
    return Stream.of(
        Scenario.of(
            "a client gets in by the certificate that an AccessCert has put into a Secret",
            all,
            calls(GATEWAY, call(SECURE, "cut")),
            act(
                "the Secret lets in",
                cell -> {
                  Request own = with(SECURE, shown.computeIfAbsent("client-cert", site::stored));
                  assertThat(cell.ask(GATEWAY, List.of(own)).getFirst().outcome())
                      .isEqualTo("200 v1");
                }),
            new Step.Change(Map.of("cert", "", "ingress", "")),
            act(
                "the Secret goes",
                _ -> Await.until("the Secret is gone", () -> site.lacks("client-cert")))));
  }

  /** The addresses of the account's pods, each as a source. */
  private static String[] ranges(ScenarioSite site, String account) {
    return Stream.of(true, false)
        .flatMap(near ->
            Stream.of(Family.values()).map(family -> site.client(account, near).address(family)))
        .map(address -> "{kind: IPRange, name: '" + Cidr.of(address) + "'}")
        .toArray(String[]::new);
  }

  /** An Isolation of the pods' addresses. */
  private static String isolation(ScenarioSite site, String... pods) {
    return """
    apiVersion: policy.flomesh.io/v1alpha1
    kind: Isolation
    metadata: {name: parts}
    spec: {cidrs: [%s]}
    """
        .formatted(
            Stream.of(pods)
                .flatMap(pod -> Stream.of(Family.values()).map(site.pod(pod)::address))
                .map(address -> "'" + Cidr.of(address) + "'")
                .collect(Collectors.joining(", ")));
  }

  /** The books over TLS, with a certificate of that DNS name. */
  private static Request shown(
      OpensslCertificate root, ScenarioSite site, String file, String name) {
    OpensslCertificate made = root.signs(site.directory().resolve(file), "DNS:" + name);
    return with(SECURE, made);
  }

  private static Request with(Request request, OpensslCertificate shown) {
    return request
        .with("cert = \"" + shown.certificate() + '"')
        .with("key = \"" + shown.key() + '"');
  }

  private static Map<String, String> store() {
    return files(
        "service",
        service("bookstore", "version: v1", port(80, Nginx.HTTP, "")),
        "gateway",
        service("gateway", "app: gateway", port(80, Nginx.HTTP, "")),
        "routes",
        routes("store", "{name: books, pathRegex: /books-bought, methods: [GET]}"));
  }
}
