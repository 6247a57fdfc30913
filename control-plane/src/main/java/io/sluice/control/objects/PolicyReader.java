package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.WireLimits;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Reads the objects of OSM's and osm-edge's policies. */
final class PolicyReader {
  static final String GROUP = "policy.openservicemesh.io";

  /** Of FSM, of which the mesh reads what the other one has not. */
  static final String FSM_GROUP = "policy.flomesh.io";

  private static final String RANGE = "write address/length, such as 10.0.0.0/24";
  private static final String SETTING = "UpstreamTrafficSetting";
  private static final String SKIP = "skipClientCertValidation";
  private static final String SNI = "sniHosts";

  private PolicyReader() {}

  static IngressBackend readIngress(Fields document, ObjectMeta meta) {
    Optional<Fields> spec = document.requiredObject("spec");
    return new IngressBackend(
        meta,
        spec
            .map(fields -> fields.objects("backends", WireLimits.BACKENDS))
            .orElse(List.of())
            .stream()
            .map(PolicyReader::backend)
            .toList(),
        objects(spec, "sources").stream().map(PolicyReader::source).toList(),
        groups(spec));
  }

  static AccessCert readAccessCert(Fields document, ObjectMeta meta) {
    Optional<Fields> spec = document.requiredObject("spec");
    Optional<Fields> secret = spec.flatMap(fields -> fields.requiredObject("secret"));
    return new AccessCert(
        meta,
        spec.map(fields -> fields.parsedList("subjectAltNames", text -> text, "write names"))
            .orElse(List.of()),
        secret
            .flatMap(one -> one.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND))
            .orElse(""),
        secret.flatMap(one -> one.parsed("namespace", Rfc1123::label, Rfc1123.MEND)).orElse(""));
  }

  static KubernetesObject.Isolation readIsolation(Fields document, ObjectMeta meta) {
    return new KubernetesObject.Isolation(
        meta,
        document
            .requiredObject("spec")
            .map(spec -> spec.parsedList("cidrs", text -> text, RANGE))
            .orElse(List.of()));
  }

  private static List<Fields> objects(Optional<Fields> spec, String name) {
    return spec.map(fields -> fields.objects(name)).orElse(List.of());
  }

  private static List<TrafficSplit.Group> groups(Optional<Fields> spec) {
    return TrafficSplit.Group.of(objects(spec, "matches"));
  }

  static Egress readEgress(Fields document, ObjectMeta meta) {
    Optional<Fields> spec = document.requiredObject("spec");
    List<Fields> sources = objects(spec, "sources");
    Map<Boolean, List<TrafficSplit.Group>> matches =
        groups(spec).stream().collect(Collectors.partitioningBy(one -> one.kind().equals(SETTING)));
    return new Egress(
        meta,
        sources.stream()
            .map(source ->
                new Subject(
                    source.requiredText("kind"),
                    source.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse(""),
                    source.parsed("namespace", Rfc1123::label, Rfc1123.MEND).orElse("")))
            .toList(),
        IntStream.range(0, sources.size()).filter(i -> sources.get(i).has("mtls")).boxed().toList(),
        spec.map(fields -> fields.parsedList("hosts", text -> text, "write names of hosts"))
            .orElse(List.of()),
        spec.map(fields -> fields.parsedList("ipAddresses", Cidr::parse, RANGE)).orElse(List.of()),
        objects(spec, "ports").stream()
            .map(
                port -> new Egress.Port(port.requiredPort("number"), port.requiredText("protocol")))
            .toList(),
        matches.getOrDefault(false, List.of()),
        matches.getOrDefault(true, List.of()));
  }

  private static IngressBackend.Backend backend(Fields fields) {
    Optional<Fields> port = fields.requiredObject("port");
    Optional<Fields> tls = fields.object("tls");
    return new IngressBackend.Backend(
        fields.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse(""),
        fields.parsed("namespace", Rfc1123::label, Rfc1123.MEND).orElse(""),
        port.map(one -> one.requiredPort("number")).orElse(0),
        port.map(one -> one.requiredText("protocol")).orElse(""),
        tls.map(PolicyReader::set).orElse(List.of()),
        tls.map(one -> one.isTrue(SKIP)).orElse(false),
        tls.map(one -> one.parsedList(SNI, text -> text, "write names of hosts"))
            .orElse(List.of()));
  }

  private static List<String> set(Fields tls) {
    List<String> set = Stream.of(SKIP, SNI).filter(tls::has).toList();
    return set.isEmpty() ? List.of("tls") : set;
  }

  private static Subject source(Fields fields) {
    String kind = fields.requiredText("kind");
    String name =
        switch (kind) {
          case IngressBackend.SERVICE ->
              fields.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse("");
          case IngressBackend.RANGE ->
              fields.requiredParsed("name", Cidr::parse, RANGE).map(Cidr::toString).orElse("");
          default -> fields.requiredText("name"); // the compiler says which kinds there are
        };
    return new Subject(
        kind, name, fields.parsed("namespace", Rfc1123::label, Rfc1123.MEND).orElse(""));
  }
}
