package io.sluice.charts;

/** Sites that the chart is made for: one golden file each. */
enum Presets {
  GENERIC(Chart.asItComes()),
  EDGE_TINY(Chart.asItComes().on("v1.29.4").with("{size: edge-tiny, interception: {mode: ebpf}}")),
  LARGE(
      Chart.asItComes()
          .with(
              """
              size: default
              controller:
                replicas: 2
                state: {type: emptyDir}
                authority: {type: certManager}
              metrics: {podMonitor: {enabled: true}}
              dashboards: {enabled: true}
              alerts: {form: prometheusRule}
              """)),
  AIR_GAPPED(
      Chart.asItComes()
          .with(
              """
              image:
                registry: registry.site.example:5000/mirror
                pullPolicy: Never
                pullSecrets: [mirror]
              interception: {mode: iptables}
              osm: {deployPrometheus: true, deployGrafana: true}
              """));

  private final Chart chart;

  Presets(Chart chart) {
    this.chart = chart;
  }

  Chart chart() {
    return chart;
  }
}
