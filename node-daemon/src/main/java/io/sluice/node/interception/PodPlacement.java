package io.sluice.node.interception;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import java.nio.file.Path;

/**
 * One enrolled pod on this node: where it is and how it wants to be intercepted.
 *
 * @param name of the Pod
 * @param path where its namespace was found
 * @param netns its network namespace; owned by the enrolment, open as long as the pod is enrolled
 * @param cookie of the namespace, unique within one boot
 * @param network addresses and interfaces found inside
 * @param settings what is left alone
 * @param permissive whether datagrams and other protocols are left alone
 */
public record PodPlacement(
    NamespacedName name,
    Path path,
    NetnsHandle netns,
    long cookie,
    PodNetwork network,
    InterceptionSettings settings,
    boolean permissive) {}
