package io.sluice.node.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.PodUid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PodCgroupsTest {
  private static final String UID = "0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c";
  private static final String IN_SLICE = "0b6cd7b5_4f4e_4b0a_9c1e_5f1d2e3a4b5c";
  private static final String OTHER = "ffffffff-4f4e-4b0a-9c1e-5f1d2e3a4b5c";
  private static final String HASH = "d41d8cd98f00b204e9800998ecf8427e";

  private final PodCgroups cgroups = new PodCgroups("/");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0::/kubepods/burstable/podUID/3f2a",
        "0::/kubepods/besteffort/podUID/3f2a",
        "0::/kubepods/podUID/3f2a",
        "0::/kubepods/podUID",
        "0::/kubepods/burstable/podUID/3f2a/init.scope",
        "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podSLICE.slice/cri-containerd-3f.scope",
        "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podSLICE.slice/crio-3f.scope",
        "0::/kubepods.slice/kubepods-podSLICE.slice/docker-3f.scope",
        "0::/kubepods.slice/kubepods-podSLICE.slice/crio-3f.scope/container",
        "0::/k3s/kubepods/burstable/podUID/3f2a",
        "0::/system.slice/snap.microk8s.daemon-kubelite.service/kubepods/podUID/3f2a",
        "0::/docker/91af/kubelet/kubepods/burstable/podUID/3f2a",
        "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
            + "kubelet-kubepods-burstable-podSLICE.slice/cri-containerd-3f.scope",
        "1:name=systemd:/system.slice/containerd.service/kubepods-burstable-podSLICE.slice:cri-containerd:3f",
        "12:cpuset:/\n4:memory:/kubepods/burstable/podUID/3f2a\n0::/",
        "1:name=systemd:/kubepods/podUID/3f2a\n0::/",
        "0::/../../podUID/3f2a",
        "0::/../../../besteffort/podUID/3f2a",
        "0::/../../../kubepods-burstable.slice/kubepods-burstable-podSLICE.slice/crio-3f.scope",
        "0::/../../kubepods-besteffort-podSLICE.slice/cri-containerd-3f.scope",
      })
  void findsThePodInEveryPathOfAKubelet(String file) {
    for (String uid : new String[] {UID, HASH}) {
      String content = file.replace("UID", uid).replace("SLICE", uid.replace('-', '_')) + "\n";

      assertThat(cgroups.podOf(content)).as(content).contains(new PodUid(uid));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0",
        "0:",
        "0::",
        "0::/",
        "0::kubepods/podUID/3f2a",
        "0::/user.slice/podUID",
        "0::/podUID/3f2a",
        "0::/kubepods/burstable/besteffort/podUID/3f2a",
        "0::/kubepods/x/podUID/3f2a",
        "0::/notkubepods/podUID/3f2a",
        "0::/kubepods/podUIDx/3f2a",
        "0::/kubepods/pod/3f2a",
        "0::/kubepods/pod../3f2a",
        "0::/kubepods.slice/kubepods-podUID.slice/crio-3f.scope",
        "0::/kubepods.slice/kubepods-podSLICE.scope/crio-3f.scope",
        "0::/machine.slice/libpod-podSLICE.slice/x",
        "0::/kubepods.slice/kubepods-pod________________________________.slice/x",
      })
  void takesNothingElseForAPod(String file) {
    assertThat(cgroups.podOf(file.replace("UID", UID).replace("SLICE", IN_SLICE))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0::/kubepods/podUID/3f2a/kubepods/podOTHER/77",
        "0::/kubepods.slice/kubepods-podSLICE.slice/crio-3f.scope/kubepods/podOTHER/77",
        "0::/../podUID/3f2a/kubepods/burstable/podOTHER/77",
      })
  void takesTheOutermostPodWhereAContainerMadeCgroupsOfItsOwn(String file) {
    String content =
        file.replace("UID", UID).replace("SLICE", IN_SLICE).replace("OTHER", OTHER) + "\n";

    assertThat(cgroups.podOf(content)).contains(new PodUid(UID));
  }

  @Test
  void takesPodsOnlyBelowAChosenRoot() {
    PodCgroups below = new PodCgroups("/k3s");

    assertThat(below.podOf("0::/k3s/kubepods/pod" + UID + "/3f")).isPresent();
    assertThat(below.podOf("0::/k3s-of-mine/kubepods/pod" + UID + "/3f")).isEmpty();
    assertThat(below.podOf("0::/user.slice/k3s/kubepods/pod" + UID + "/3f")).isEmpty();
    assertThat(below.podOf("0::/kubepods/pod" + UID + "/3f")).isEmpty();
  }

  @Test
  void survivesPathsOfAnyDepthAndLength() {
    String deep = "0::" + "/pod".repeat(5_000) + "/kubepods/pod" + UID;

    assertThat(cgroups.podOf(deep)).isEmpty();
    assertThat(cgroups.podOf("0::/kubepods/pod" + "a".repeat(100_000))).isEmpty();
    assertThat(cgroups.podOf("0::/" + "x-".repeat(50_000) + "kubepods-pod.slice")).isEmpty();
  }
}
