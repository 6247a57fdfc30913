package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Dashboards;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each alert is about one fault: where a fault is made in a mesh that is well, it fires alone. */
class AlertsTest {
  private static final Pattern ALERT = Pattern.compile("(?m)^  - alert: (\\w+)$");

  /** A value a minute for some hours. */
  private static final String ALWAYS = "+0x160";

  private static final String HOLDER = "sluice_identity_certificate_expiry_timestamp_seconds";
  private static final String OWN_END = "sluice_control_certificate_end_seconds";
  private static final String REQUESTS =
      "istio_requests_total{reporter='source',destination_service_name='store',";
  private static final String CALLS =
      REQUESTS + "request_protocol='grpc',response_code='200',response_flags='-',";
  private static final String REFUSED = "sluice_proxy_connections_refused_total{pod='store'}";
  private static final String HANDSHAKES =
      "sluice_tls_handshakes_total{instance='a',side='server',";

  /** What two nodes and a controller say that are well. */
  private static final Map<String, String> WELL = new LinkedHashMap<>();

  static {
    WELL.put("up{job='sluice-node',instance='a'}", "1" + ALWAYS);
    WELL.put("up{job='sluice-node',instance='b'}", "1" + ALWAYS);
    WELL.put("up{job='sluice-node',instance='b',pod='replaced'}", "1+0x60 _x100");
    WELL.put("up{job='sluice-controller',instance='c'}", "1" + ALWAYS);
    WELL.put("sluice_interception_ok{instance='a',pod='store'}", "1" + ALWAYS);
    WELL.put(mode("a", "inbound", "ebpf"), "1" + ALWAYS);
    WELL.put(mode("b", "inbound", "ebpf"), "1" + ALWAYS);
    WELL.put("sluice_cni_chained{instance='a'}", "1" + ALWAYS);
    WELL.put("sluice_interception_map_entries{instance='a',map='port_rules'}", "10" + ALWAYS);
    WELL.put("sluice_interception_map_capacity{instance='a',map='port_rules'}", "100" + ALWAYS);
    WELL.put("sluice_interception_map_entries{instance='a',map='config'}", "1" + ALWAYS);
    WELL.put("sluice_interception_map_capacity{instance='a',map='config'}", "1" + ALWAYS);
    WELL.put("sluice_proxy_connections{instance='a'}", "10" + ALWAYS);
    WELL.put("sluice_proxy_connections_limit{instance='a'}", "100" + ALWAYS);
    WELL.put("sluice_snapshot_store_faults_total{instance='a',fault='not_written'}", "2" + ALWAYS);
    WELL.put("sluice_interception_lost_total{instance='a',what='events'}", "2" + ALWAYS);
    WELL.put("sluice_access_log_dropped_records{instance='a'}", "2" + ALWAYS);
    WELL.put("sluice_tracing_spans_total{instance='a',outcome='sent'}", "0+60x160");
    WELL.put("sluice_tracing_spans_total{instance='a',outcome='unanswered'}", "2" + ALWAYS);
    WELL.put("sluice_remote_log_lines_total{instance='a',outcome='over_budget'}", "2" + ALWAYS);
    WELL.put("sluice_clock_trusted{instance='a'}", "1" + ALWAYS);
    WELL.put("sluice_distribution_connected{instance='a'}", "1" + ALWAYS);
    WELL.put("sluice_distribution_connected{instance='b'}", "1" + ALWAYS);
    WELL.put("sluice_distribution_refused{instance='a'}", "0" + ALWAYS);
    WELL.put("sluice_snapshot_age_seconds{instance='a'}", "3" + ALWAYS);
    WELL.put("sluice_control_distribution_unusable_objects{instance='c'}", "0" + ALWAYS);
    WELL.put("sluice_control_watch_silence_seconds{resource='pods'}", "40" + ALWAYS);
    WELL.put("sluice_identity_certificates{instance='a',state='valid'}", "4" + ALWAYS);
    WELL.put("sluice_identity_certificates{instance='a',state='expired'}", "0" + ALWAYS);
    WELL.put("sluice_identity_certificates{instance='a',state='missing'}", "0" + ALWAYS);
    // Of an hour, and renewed each half of it: never far from its end, and never late.
    WELL.put(HOLDER + "{instance='a',holder='workload'}", halfHours(3_600));
    WELL.put(HOLDER + "{instance='a',holder='node'}", "200000" + ALWAYS);
    WELL.put(HOLDER + "{instance='a',holder='root'}", "300000000" + ALWAYS);
    WELL.put(OWN_END, "200000" + ALWAYS);
    WELL.put("sluice_identity_trust_bundle_generation{instance='a'}", "3" + ALWAYS);
    WELL.put("sluice_identity_trust_bundle_refused{instance='a'}", "0" + ALWAYS);
    WELL.put("sluice_control_trust_bundle_generation{instance='c'}", "3" + ALWAYS);
    WELL.put("sluice_control_authority_condition{condition='ready'}", "1" + ALWAYS);
    WELL.put("sluice_control_authority_condition{condition='degraded'}", "0" + ALWAYS);
    WELL.put(REQUESTS + "response_code='200',response_flags='-'}", "0+600x160");
    WELL.put(REQUESTS + "response_code='503',response_flags='UF'}", "0+2x160");
    WELL.put(REQUESTS + "response_code='403',response_flags='RBACAF'}", "0+2x160");
    WELL.put(CALLS + "grpc_response_status='0'}", "0+60x160");
    WELL.put(CALLS + "grpc_response_status='14'}", "0+2x160");
    WELL.put(CALLS + "grpc_response_status='5'}", "0+60x160"); // not found: the caller's
    WELL.put("istio_tcp_connections_opened_total{reporter='source'}", "0+60x160");
    WELL.put(REFUSED, "0+2x160");
    WELL.put(HANDSHAKES + "result='success'}", "0+60x160");
    WELL.put(HANDSHAKES + "result='failure'}", "0+2x160");
  }

  @TempDir private Path directory = Path.of("");

  private static String mode(String instance, String direction, String mode) {
    return "sluice_interception_mode{instance='%s',direction='%s',mode='%s'}"
        .formatted(instance, direction, mode);
  }

  /** The end of a certificate that is renewed each half an hour and lives so many seconds. */
  private static String halfHours(int life) {
    StringBuilder values = new StringBuilder();
    for (int begin = 0; begin <= 160 * 60; begin += 30 * 60) {
      values.append(begin + life).append("+0x29 ");
    }
    return values.toString().strip();
  }

  /** What is otherwise with each fault. */
  private static Map<String, Map<String, String>> faults() {
    Map<String, Map<String, String>> faults = new LinkedHashMap<>();
    faults.put("", Map.of());
    faults.put("SluiceNodeDown", Map.of("up{job='sluice-node',instance='b'}", "1+0x100 0+0x60"));
    faults.put(
        "SluiceNodesGone",
        Map.of(
            "up{job='sluice-node',instance='a'}",
            "1+0x100 _x60",
            "up{job='sluice-node',instance='b'}",
            "1+0x100 _x60"));
    faults.put("SluiceNodeGone", Map.of("up{job='sluice-node',instance='b'}", "1+0x100 _x60"));
    faults.put(
        "SluiceInterceptionBroken",
        Map.of("sluice_interception_ok{instance='a',pod='store'}", "0" + ALWAYS));
    faults.put(
        "SluiceNodeFellBack",
        Map.of(
            mode("a", "inbound", "ebpf"), "_x160", mode("a", "inbound", "iptables"), "1" + ALWAYS));
    faults.put("SluiceCniNotChained", Map.of("sluice_cni_chained{instance='a'}", "0" + ALWAYS));
    faults.put(
        "SluiceMapNearlyFull",
        Map.of("sluice_interception_map_entries{instance='a',map='port_rules'}", "95" + ALWAYS));
    faults.put(
        "SluiceConnectionsNearLimit",
        Map.of("sluice_proxy_connections{instance='a'}", "95" + ALWAYS));
    String late = "2+0x145 3+0x15";
    faults.put(
        "SluiceStateNotWritten",
        Map.of("sluice_snapshot_store_faults_total{instance='a',fault='not_written'}", late));
    faults.put(
        "SluiceRecordsLost",
        Map.of("sluice_interception_lost_total{instance='a',what='events'}", late));
    faults.put(
        "SluiceAccessRecordsDropped",
        Map.of("sluice_access_log_dropped_records{instance='a'}", late));
    faults.put(
        "SluiceTelemetryNotTaken",
        Map.of("sluice_tracing_spans_total{instance='a',outcome='unanswered'}", late));
    faults.put(
        "SluiceTelemetryOverBudget",
        Map.of("sluice_remote_log_lines_total{instance='a',outcome='over_budget'}", late));
    faults.put("SluiceClockDistrusted", Map.of("sluice_clock_trusted{instance='a'}", "0" + ALWAYS));
    faults.put(
        "SluiceControllerDown",
        Map.of(
            "up{job='sluice-controller',instance='c'}",
            "0" + ALWAYS,
            "sluice_distribution_connected{instance='a'}",
            "0" + ALWAYS,
            "sluice_distribution_connected{instance='b'}",
            "0" + ALWAYS));
    String cutOff = "sluice_distribution_connected{instance='a'}";
    faults.put(
        "SluiceControllerUnreachable",
        Map.of(cutOff, "0" + ALWAYS, "sluice_snapshot_age_seconds{instance='a'}", "0+60x160"));
    faults.put(
        "SluiceSnapshotOld",
        Map.of(cutOff, "0" + ALWAYS, "sluice_snapshot_age_seconds{instance='a'}", "50000+60x160"));
    faults.put(
        "SluiceChangeRefused", Map.of("sluice_distribution_refused{instance='a'}", "1" + ALWAYS));
    faults.put(
        "SluiceUnusableObjects",
        Map.of("sluice_control_distribution_unusable_objects{instance='c'}", "1" + ALWAYS));
    faults.put(
        "SluiceWatchSilent",
        Map.of("sluice_control_watch_silence_seconds{resource='pods'}", "0+60x160"));
    faults.put(
        "SluiceCertificateExpired",
        Map.of(
            "sluice_identity_certificates{instance='a',state='expired'}",
            "1" + ALWAYS,
            HOLDER + "{instance='a',holder='workload'}",
            "8000" + ALWAYS));
    faults.put(
        "SluiceCertificateMissing",
        Map.of("sluice_identity_certificates{instance='a',state='missing'}", "1" + ALWAYS));
    faults.put(
        "SluiceCertificateNearEnd",
        Map.of(HOLDER + "{instance='a',holder='workload'}", "12000" + ALWAYS));
    faults.put("SluiceControllerCertificateNearEnd", Map.of(OWN_END, "12000" + ALWAYS));
    faults.put(
        "SluiceRootNearEnd", Map.of(HOLDER + "{instance='a',holder='root'}", "900000" + ALWAYS));
    faults.put(
        "SluiceTrustBundleBehind",
        Map.of("sluice_control_trust_bundle_generation{instance='c'}", "4" + ALWAYS));
    faults.put(
        "SluiceTrustBundleRefused",
        Map.of(
            "sluice_control_trust_bundle_generation{instance='c'}",
            "4" + ALWAYS,
            "sluice_identity_trust_bundle_refused{instance='a'}",
            "1" + ALWAYS));
    faults.put(
        "SluiceAuthorityNotReady",
        Map.of(
            "sluice_control_authority_condition{condition='ready'}",
            "0" + ALWAYS,
            "sluice_control_authority_condition{condition='degraded'}",
            "1" + ALWAYS));
    faults.put(
        "SluiceRequestsFail",
        Map.of(REQUESTS + "response_code='503',response_flags='UF'}", "0+60x160"));
    faults.put("SluiceGrpcCallsFail", Map.of(CALLS + "grpc_response_status='14'}", "0+20x160"));
    faults.put(
        "SluiceRequestsForbidden",
        Map.of(REQUESTS + "response_code='403',response_flags='RBACAF'}", "0+300x160"));
    faults.put("SluiceConnectionsRefused", Map.of(REFUSED, "0+300x160"));
    faults.put("SluiceHandshakesFail", Map.of(HANDSHAKES + "result='failure'}", "0+20x160"));
    return faults;
  }

  @Test
  void eachFiresForItsFaultAndForNoOther() throws Exception {
    StringBuilder tests = new StringBuilder();
    tests
        .append("rule_files: [")
        .append(Dashboards.RULES.toAbsolutePath())
        .append("]\nevaluation_interval: 10m\ntests:\n");
    faults()
        .forEach((alert, otherwise) -> {
          Map<String, String> series = new LinkedHashMap<>(WELL);
          series.putAll(otherwise);
          tests.append("- interval: 1m\n  name: '").append(alert).append("'\n  input_series:\n");
          series.forEach((name, values) ->
              tests.append("  - {series: \"%s\", values: \"%s\"}\n".formatted(name, values)));
          tests.append(
              """
                promql_expr_test:
                - expr: group by (alertname) (ALERTS{alertstate="firing"})
                  eval_time: 150m
                  exp_samples: [%s]
              """
                  .formatted(
                      alert.isEmpty()
                          ? ""
                          : "{labels: '{alertname=\"" + alert + "\"}', value: 1}"));
        });

    assertThat(promtool("test", Files.writeString(directory.resolve("tests.yaml"), tests)))
        .endsWith("SUCCESS");
  }

  @Test
  void everyAlertHasItsFaultAndSaysWhatToDo() throws IOException {
    String rules = Files.readString(Dashboards.RULES);
    List<String> alerts = ALERT.matcher(rules).results().map(found -> found.group(1)).toList();

    assertThat(alerts).hasSizeGreaterThan(20).doesNotHaveDuplicates();
    assertThat(faults().keySet()).contains("").containsAll(alerts).hasSize(alerts.size() + 1);
    assertThat(rules.split("(?m)^  - alert: "))
        .filteredOn(each -> each.startsWith("Sluice"))
        .hasSameSizeAs(alerts)
        .allSatisfy(each ->
            assertThat(each)
                .containsPattern("labels: \\{severity: (critical|warning|info)}")
                .containsPattern("summary: '.+\\.'")
                .containsPattern("action: ['\"].+\\.['\"]"));
  }

  /** What promtool says of a file of rules. */
  static String promtool(String command, Path file) throws IOException, InterruptedException {
    Process check =
        new ProcessBuilder("promtool", command, "rules", file.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(check.getInputStream().readAllBytes()).strip();
    assertThat(check.waitFor()).as(said).isZero();
    return said;
  }
}
