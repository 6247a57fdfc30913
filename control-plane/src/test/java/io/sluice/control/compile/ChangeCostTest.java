package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.objects.KubernetesObject;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** In processor time of the thread: of other work on the machine only caches tell. */
class ChangeCostTest {
  private static final Duration LONGEST = Duration.ofMillis(5);
  private static final int WARM_UP = 100;
  private static final int CHANGES = 101;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  @Test
  void followsTheChangeAndNotTheCluster() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    compiler.apply(LargeCluster.files());

    assertThat(usual(compiler, LargeCluster::target)).isLessThanOrEqualTo(LONGEST);
    assertThat(usual(compiler, LargeCluster::slice)).isLessThanOrEqualTo(LONGEST);
    assertThat(usual(compiler, LargeCluster::pod)).isLessThanOrEqualTo(LONGEST);
    assertThat(compiler.apply(Map.of()).snapshot().workloads()).hasSize(LargeCluster.PODS);
  }

  /** The best tenth of changes to one object each; each differs from the one before. */
  private static Duration usual(
      IncrementalCompiler compiler, IntFunction<List<KubernetesObject>> version) {
    long[] nanos = new long[CHANGES];
    for (int i = -WARM_UP; i < CHANGES; i++) {
      List<KubernetesObject> object = version.apply(WARM_UP + i);
      long before = THREADS.getCurrentThreadCpuTime();
      CompiledChange change = compiler.apply(Map.of(object.getFirst().ref().toString(), object));
      long spent = THREADS.getCurrentThreadCpuTime() - before;
      assertThat(change.changed()).hasSize(1);
      if (i >= 0) {
        nanos[i] = spent;
      }
    }
    Arrays.sort(nanos);
    return Duration.ofNanos(nanos[CHANGES / 10]);
  }

  /** A cluster with a source for each object, as the API server is. */
  static final class LargeCluster {
    static final int PODS = 10_000;
    static final int SERVICES = 2_000;

    private LargeCluster() {}

    static Map<String, List<KubernetesObject>> files() {
      Map<String, List<KubernetesObject>> files = new HashMap<>();
      for (int i = 0; i < PODS; i++) {
        add(files, pod(i, 0));
      }
      for (int i = 0; i < SERVICES; i++) {
        add(files, service(i));
        add(files, slice(i, 0));
        add(files, target(i, 0));
        add(files, route(i));
      }
      return files;
    }

    private static void add(
        Map<String, List<KubernetesObject>> files, List<KubernetesObject> object) {
      files.put(object.getFirst().ref().toString(), object);
    }

    static List<KubernetesObject> pod(int version) {
      return pod(77, version + 1);
    }

    static List<KubernetesObject> slice(int version) {
      return slice(77, version + 1);
    }

    static List<KubernetesObject> target(int version) {
      return target(77, version + 1);
    }

    private static List<KubernetesObject> pod(int number, int version) {
      return Manifests.objects(
          "api",
          """
          apiVersion: v1
          kind: Pod
          metadata:
            name: pod-%d
            namespace: shop
            labels: {app: app-%d, version: v%d, sluice.io/mesh: enabled}
          spec: {serviceAccountName: app-%d, nodeName: node-%d}
          status: {podIPs: [{ip: 10.%d.%d.%d}]}
          """
              .formatted(
                  number,
                  number % SERVICES,
                  version,
                  number % SERVICES,
                  number % 100,
                  number / 62_500,
                  number / 250 % 250,
                  number % 250 + 1));
    }

    private static List<KubernetesObject> service(int number) {
      return Manifests.objects(
          "api",
          """
          apiVersion: v1
          kind: Service
          metadata: {name: app-%d, namespace: shop}
          spec: {clusterIP: 10.96.%d.%d, selector: {app: app-%d}, ports: [{port: 80}]}
          """
              .formatted(number, number / 250, number % 250 + 1, number));
    }

    private static List<KubernetesObject> slice(int number, int version) {
      return Manifests.objects(
          "api",
          """
          apiVersion: discovery.k8s.io/v1
          kind: EndpointSlice
          metadata: {name: app-%d, namespace: shop, labels: {kubernetes.io/service-name: app-%d}}
          addressType: IPv4
          ports: [{port: 8080}]
          endpoints: [{addresses: [10.0.1.%d]}, {addresses: [10.1.1.1]}, {addresses: [10.1.1.2]}]
          """
              .formatted(number, number, version % 250 + 1));
    }

    private static List<KubernetesObject> target(int number, int version) {
      return Manifests.objects(
          "api",
          """
          apiVersion: access.smi-spec.io/v1alpha3
          kind: TrafficTarget
          metadata: {name: app-%d, namespace: shop}
          spec:
            destination: {kind: ServiceAccount, name: app-%d}
            sources: [{kind: ServiceAccount, name: caller-%d, namespace: shop}]
            rules: [{kind: TCPRoute, name: app-%d}]
          """
              .formatted(number, number, version, number));
    }

    private static List<KubernetesObject> route(int number) {
      return Manifests.objects(
          "api",
          """
          apiVersion: specs.smi-spec.io/v1alpha4
          kind: TCPRoute
          metadata: {name: app-%d, namespace: shop}
          spec: {matches: {ports: [80]}}
          """
              .formatted(number));
    }
  }
}
