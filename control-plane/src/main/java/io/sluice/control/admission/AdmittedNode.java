package io.sluice.control.admission;

/**
 * A node that has proven its name.
 *
 * @param nodeName as Kubernetes or the operator calls it
 * @param how by what it was proven, for journal and log
 */
public record AdmittedNode(String nodeName, String how) {}
