package io.sluice.conformance;

import static io.sluice.conformance.EchoMesh.CONSUMER;
import static io.sluice.conformance.EchoMesh.OWN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.sluice.conformance.EchoMesh.Response;
import io.sluice.control.compile.ObjectStatus;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The profiles MESH-HTTP and MESH-GRPC: what each test of them asks for, by its name. A report in
 * the form of the specification is left in {@code target/conformance}.
 */
@Timeout(120)
@ExtendWith(ProfileReport.class)
class MeshProfileTest {
  private static EchoMesh mesh;

  @BeforeAll
  static void open() throws IOException {
    mesh = new EchoMesh();
  }

  @AfterAll
  static void close() {
    mesh.close();
  }

  private static Response get(String target, String... fields) throws IOException {
    return mesh.get(OWN, "echo", 80, target, fields);
  }

  private static String http(String rules) {
    return route("HTTPRoute", OWN, "echo", 80, rules);
  }

  private static String route(
      String kind, String namespace, String parent, int port, String rules) {
    return """
    apiVersion: gateway.networking.k8s.io/v1
    kind: %s
    metadata: {name: route, namespace: %s}
    spec:
      parentRefs: [{group: "", kind: Service, name: %s, namespace: %s, port: %d}]
      rules:
    %s
    """
        .formatted(kind, namespace, parent, OWN, port, rules.indent(2));
  }

  @Profile(name = "MeshBasic")
  @Test
  void callsReachTheServiceWithoutARoute() throws IOException {
    mesh.apply();

    assertThat(get("/").status()).isEqualTo(200);
    assertThat(mesh.get(OWN, "echo-v2", 80, "/").backend()).isEqualTo("echo-v2");
  }

  @Profile(name = "MeshPorts")
  @Test
  void aRouteOfAPortConcernsThatPortAlone() throws IOException {
    mesh.apply(
        route(
            "HTTPRoute",
            OWN,
            "echo-v1",
            80,
            """
            - filters:
              - type: ResponseHeaderModifier
                responseHeaderModifier: {set: [{name: X-Header-Set, value: v1}]}
              backendRefs: [{name: echo-v1, port: 80}]
            """));

    assertThat(mesh.get(OWN, "echo-v1", 80, "/").headers()).containsEntry("x-header-set", "v1");
    assertThat(mesh.get(OWN, "echo-v1", 8080, "/").headers()).doesNotContainKey("x-header-set");
    assertThat(mesh.get(OWN, "echo-v2", 80, "/").headers()).doesNotContainKey("x-header-set");
  }

  @Profile(name = "MeshTrafficSplit")
  @Test
  void pathsAreSplitBetweenTwoVersions() throws IOException {
    mesh.apply(
        http(
            """
            - matches: [{path: {type: Exact, value: /v1}}]
              backendRefs: [{name: echo-v1, port: 80}]
            - matches: [{path: {type: Exact, value: /v2}}]
              backendRefs: [{name: echo-v2, port: 80}]
            """));

    assertThat(get("/v1").backend()).isEqualTo("echo-v1");
    assertThat(get("/v2").backend()).isEqualTo("echo-v2");
    assertThat(get("/v3").status()).isEqualTo(404);
  }

  @Profile(name = "MeshHTTPRouteSimpleSameNamespace")
  @Test
  void aRouteWithoutMatchesIsForEveryRequest() throws IOException {
    mesh.apply(http("- backendRefs: [{name: echo-v1, port: 80}]\n"));

    assertThat(get("/any?x=y").backend()).isEqualTo("echo-v1");
  }

  @Profile(name = "MeshHTTPRouteMatching")
  @Test
  void pathsAreMatchedBySegmentsAndHeadersWhole() throws IOException {
    mesh.apply(
        http(
            """
            - matches:
              - path: {type: PathPrefix, value: /}
              - headers: [{name: version, value: one}]
              backendRefs: [{name: echo-v1, port: 80}]
            - matches:
              - path: {type: PathPrefix, value: /v2}
              - headers: [{name: version, value: two}]
              backendRefs: [{name: echo-v2, port: 80}]
            """));

    for (String path : new String[] {"/", "/example", "/v2example", "/foo/v2/example"}) {
      assertThat(get(path).backend()).as(path).isEqualTo("echo-v1");
    }
    for (String path : new String[] {"/v2", "/v2/", "/v2/example", "/v2?a=b"}) {
      assertThat(get(path).backend()).as(path).isEqualTo("echo-v2");
    }
    assertThat(get("/", "Version: one").backend()).isEqualTo("echo-v1");
    assertThat(get("/", "Version: two").backend()).isEqualTo("echo-v2");
  }

  @Profile(name = "MeshHTTPRouteRequestHeaderModifier")
  @Test
  void fieldsOfRequestsAreSetAddedAndRemoved() throws IOException {
    String filter =
        """
          filters:
          - type: RequestHeaderModifier
            requestHeaderModifier:
              set: [{name: X-Header-Set, value: set-overwrites-values}]
              add: [{name: X-Header-Add, value: add-appends-values}]
              remove: [X-Header-Remove]
        """;
    mesh.apply(http("- backendRefs: [{name: echo-v1, port: 80}]\n" + filter));

    assertModified();
  }

  @Profile(
      name = "MeshHTTPRouteBackendRequestHeaderModifier",
      feature = "MeshHTTPRouteBackendRequestHeaderModification")
  @Test
  void fieldsAreChangedForABackendAlone() throws IOException {
    mesh.apply(
        http(
            """
            - backendRefs:
              - name: echo-v1
                port: 80
                filters:
                - type: RequestHeaderModifier
                  requestHeaderModifier:
                    set: [{name: X-Header-Set, value: set-overwrites-values}]
                    add: [{name: X-Header-Add, value: add-appends-values}]
                    remove: [X-Header-Remove]
            """));

    assertModified();
  }

  private static void assertModified() throws IOException {
    Response plain = get("/set", "Some-Other-Header: val");
    assertThat(plain.sent("some-other-header")).isEqualTo("val");
    assertThat(plain.sent("x-header-set")).isEqualTo("set-overwrites-values");
    assertThat(plain.sent("x-header-add")).isEqualTo("add-appends-values");
    Response present =
        get("/set", "x-header-set: some", "X-HEADER-ADD: some", "x-Header-remove: val");
    assertThat(present.sent("x-header-set")).isEqualTo("set-overwrites-values");
    assertThat(present.sent("x-header-add")).isEqualTo("some,add-appends-values");
    assertThat(present.sent("x-header-remove")).isEmpty();
  }

  @Profile(name = "MeshHTTPRouteWeight")
  @Test
  void requestsAreSharedByWeight() throws IOException {
    mesh.apply(
        http(
            """
            - backendRefs:
              - {name: echo-v1, port: 80, weight: 70}
              - {name: echo-v2, port: 80, weight: 30}
              - {name: echo, port: 80, weight: 0}
            """));

    Map<String, Integer> answers = new TreeMap<>();
    for (int i = 0; i < 500; i++) {
      answers.merge(get("/").backend(), 1, Integer::sum);
    }
    assertThat(answers.get("echo-v1")).isBetween(300, 400); // of 350, five standard deviations
    assertThat(answers).containsOnlyKeys("echo-v1", "echo-v2");
  }

  @Profile(name = "MeshHTTPRouteRedirectHostAndStatus")
  @Test
  void clientsAreSentElsewhere() throws IOException {
    mesh.apply(
        http(
            redirect("/hostname-redirect", "hostname: example.org")
                + redirect("/host-and-status", "{hostname: example.org, statusCode: 301}")));

    assertRedirect("/hostname-redirect", 302, "http://example.org/hostname-redirect");
    assertRedirect("/host-and-status?a=b", 301, "http://example.org/host-and-status?a=b");
  }

  private static String redirect(String path, String what) {
    return """
    - matches: [{path: {type: PathPrefix, value: %s}}]
      filters: [{type: RequestRedirect, requestRedirect: %s}]
    """
        .formatted(path, what.startsWith("{") ? what : "{" + what + "}");
  }

  private static void assertRedirect(String path, int status, String location) throws IOException {
    Response response = get(path);
    assertThat(response.status()).isEqualTo(status);
    assertThat(URI.create(response.headers().get("location"))).isEqualTo(URI.create(location));
  }

  @Profile(name = "MeshHTTPRouteRedirectPath", feature = "MeshHTTPRouteRedirectPath")
  @Test
  void clientsAreSentToOtherPaths() throws IOException {
    mesh.apply(
        http(
            redirect(
                    "/original-prefix",
                    "path: {type: ReplacePrefixMatch, replacePrefixMatch: /replacement-prefix}")
                + redirect(
                    "/full",
                    "path: {type: ReplaceFullPath, replaceFullPath: /full-path-replacement}")
                + redirect(
                    "/prefix-and-host",
                    "{hostname: example.org, path: {type: ReplacePrefixMatch,"
                        + " replacePrefixMatch: /replacement-prefix}}")
                + redirect(
                    "/full-and-status",
                    "{statusCode: 301, path: {type: ReplaceFullPath, replaceFullPath: /other}}")));

    assertRedirect("/original-prefix/lemon", 302, "http://echo/replacement-prefix/lemon");
    assertRedirect("/full/path/original", 302, "http://echo/full-path-replacement");
    assertRedirect("/prefix-and-host/a", 302, "http://example.org/replacement-prefix/a");
    assertRedirect("/full-and-status", 301, "http://echo/other");
  }

  @Profile(name = "MeshHTTPRouteRedirectPort", feature = "MeshHTTPRouteRedirectPort")
  @Test
  void clientsAreSentToOtherPorts() throws IOException {
    mesh.apply(
        http(
            redirect("/port", "port: 8083")
                + redirect("/port-and-host", "{hostname: example.org, port: 8083}")
                + redirect("/port-and-status", "{port: 8083, statusCode: 301}")));

    assertRedirect("/port", 302, "http://echo:8083/port");
    assertRedirect("/port-and-host", 302, "http://example.org:8083/port-and-host");
    assertRedirect("/port-and-status", 301, "http://echo:8083/port-and-status");
  }

  @Profile(name = "MeshHTTPRouteSchemeRedirect", feature = "MeshHTTPRouteSchemeRedirect")
  @Test
  void clientsAreSentToAnotherScheme() throws IOException {
    mesh.apply(
        http(
            redirect("/scheme", "scheme: https")
                + redirect("/scheme-and-host", "{scheme: https, hostname: example.org}")
                + redirect("/scheme-and-status", "{scheme: https, statusCode: 301}")));

    assertRedirect("/scheme", 302, "https://echo/scheme");
    assertRedirect("/scheme-and-host", 302, "https://example.org/scheme-and-host");
    assertRedirect("/scheme-and-status", 301, "https://echo/scheme-and-status");
  }

  @Profile(name = "MeshHTTPRouteRewritePath", feature = "MeshHTTPRouteRewritePath")
  @Test
  void pathsAreRewritten() throws IOException {
    mesh.apply(
        http(
            rewrite("/prefix/one", "type: ReplacePrefixMatch, replacePrefixMatch: /one")
                + rewrite("/strip-prefix", "type: ReplacePrefixMatch, replacePrefixMatch: /")
                + rewrite("/full/one", "type: ReplaceFullPath, replaceFullPath: /one")));

    assertThat(get("/prefix/one/two").sent("path")).isEqualTo("/one/two");
    assertThat(get("/prefix/one?a=b").sent("path")).isEqualTo("/one?a=b");
    assertThat(get("/strip-prefix/three").sent("path")).isEqualTo("/three");
    assertThat(get("/strip-prefix").sent("path")).isEqualTo("/");
    assertThat(get("/full/one/two").sent("path")).isEqualTo("/one");
  }

  private static String rewrite(String path, String how) {
    return """
    - matches: [{path: {type: PathPrefix, value: %s}}]
      filters: [{type: URLRewrite, urlRewrite: {path: {%s}}}]
      backendRefs: [{name: echo-v1, port: 80}]
    """
        .formatted(path, how);
  }

  @Profile(name = "MeshHTTPRouteQueryParamMatching", feature = "MeshHTTPRouteQueryParamMatching")
  @Test
  void parametersAreMatched() throws IOException {
    mesh.apply(
        http(
            """
            - matches: [{queryParams: [{name: animal, value: whale}]}]
              backendRefs: [{name: echo-v1, port: 80}]
            - matches: [{queryParams: [{name: animal, value: dolphin}]}]
              backendRefs: [{name: echo-v2, port: 80}]
            - matches:
              - path: {type: PathPrefix, value: /path1}
                queryParams: [{name: animal, value: whale}]
              backendRefs: [{name: echo-v1, port: 80}]
            - matches:
              - headers: [{name: version, value: one}]
                queryParams: [{name: animal, value: whale}]
              backendRefs: [{name: echo-v2, port: 80}]
            """));

    assertThat(get("/?animal=whale").backend()).isEqualTo("echo-v1");
    assertThat(get("/?animal=dolphin&color=yellow").backend()).isEqualTo("echo-v2");
    assertThat(get("/?color=yellow&animal=d%6Flphin").backend()).isEqualTo("echo-v2");
    assertThat(get("/path1?animal=whale", "version: one").backend()).isEqualTo("echo-v1");
    assertThat(get("/?animal=whale", "version: one").backend()).isEqualTo("echo-v2");
    for (String none : new String[] {"/", "/?color=blue", "/?animal=dog", "/?Animal=whale"}) {
      assertThat(get(none).status()).as(none).isEqualTo(404);
    }
  }

  @Profile(name = "MeshConsumerRoute", feature = "MeshConsumerRoute")
  @Test
  void aConsumersRouteConcernsItsOwnNamespace() throws IOException {
    String grant =
        """
        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: consumer, namespace: mesh}
        spec:
          from:
          - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: mesh-consumer}
          to: [{group: "", kind: Service}]
        """;
    mesh.apply(
        route(
            "HTTPRoute",
            CONSUMER,
            "echo-v1",
            80,
            """
            - filters:
              - type: ResponseHeaderModifier
                responseHeaderModifier: {set: [{name: X-Header-Set, value: set}]}
              backendRefs: [{name: echo-v1, namespace: mesh, port: 80}]
            """),
        grant);

    assertThat(mesh.get(CONSUMER, "echo-v1", 80, "/").headers())
        .containsEntry("x-header-set", "set");
    assertThat(mesh.get(OWN, "echo-v1", 80, "/").headers()).doesNotContainKey("x-header-set");
  }

  @Profile(name = "MeshGRPCRouteWeight", profile = "MESH-GRPC")
  @Test
  void callsAreSharedByWeight() throws InterruptedException {
    mesh.apply(
        route(
            "GRPCRoute",
            OWN,
            "echo",
            7070,
            """
            - matches: [{method: {service: shop.Books, method: Buy}}]
              backendRefs:
              - {name: echo-v1, port: 7070, weight: 70}
              - {name: echo-v2, port: 7070, weight: 30}
            - matches: [{method: {method: Lose}}]
              backendRefs: [{name: gone, port: 7070}]
            """));

    Map<String, Integer> answers = mesh.call("echo", "shop.Books/Buy", 500);

    assertThat(answers.get("echo-v1")).isBetween(300, 400);
    assertThat(answers).containsOnlyKeys("echo-v1", "echo-v2");
    assertCode("shop.Books/Sell", Status.Code.UNIMPLEMENTED);
    assertCode("shop.Books/Lose", Status.Code.UNAVAILABLE);
  }

  private static void assertCode(String method, Status.Code code) {
    assertThatThrownBy(() -> mesh.call("echo", method, 1))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
  }

  @Test
  void theShareOfAnUnusableBackendIsAnsweredByAnError() throws IOException {
    assertThat(
            mesh.apply(
                http(
                    """
                    - backendRefs:
                      - {name: echo-v1, port: 80}
                      - {name: gone, port: 80}
                    """)))
        .extracting(ObjectStatus::word)
        .containsExactly("BackendNotFound");

    Map<Integer, Integer> statuses = new TreeMap<>();
    for (int i = 0; i < 100; i++) {
      statuses.merge(get("/").status(), 1, Integer::sum);
    }
    assertThat(statuses).containsOnlyKeys(200, 500);
  }
}
