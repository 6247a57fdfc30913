/**
 * {@code sluice namespace}: which namespaces of a cluster are in the mesh, by the labels and
 * annotations of Open Service Mesh.
 *
 * <p>Start reading at {@link io.sluice.cli.namespace.NamespaceCommand}. What the words mean for a
 * pod, the controller decides.
 */
@NullMarked
package io.sluice.cli.namespace;

import org.jspecify.annotations.NullMarked;
