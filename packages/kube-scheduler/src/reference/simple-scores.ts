/** Scores that look at one node (upstream `pkg/scheduler/framework/plugins/{nodeaffinity,tainttoleration,imagelocality}`). */
import { PreferredNodeTerms } from '@kubets/api/core/helpers/node-affinity';
import { tolerationsTolerateTaint } from '@kubets/api/core/helpers/taints';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { div, type Question, type ReferenceCluster } from './cluster.ts';

/** Brings the highest to 100; reversed, the highest to 0 (`helper.DefaultNormalizeScore`). */
function normalize(scores: readonly number[], reverse: boolean): number[] {
  const most = Math.max(0, ...scores);
  if (most === 0) return scores.map(() => (reverse ? 100 : 0));
  return scores.map((score) => (reverse ? 100 - div(100 * score, most) : div(100 * score, most)));
}

/** The sum of weights of the preferences that the node meets; undefined when there are none. */
export function nodeAffinityScores({ pod, profile }: Question, feasible: readonly Node[]): number[] | undefined {
  const own = new PreferredNodeTerms(pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution);
  const added = new PreferredNodeTerms(profile.addedAffinity.preferred);
  if (own.isEmpty && added.isEmpty) return undefined;
  return normalize(
    feasible.map((node) => own.score(node) + added.score(node)),
    false,
  );
}

/** The fewer taints that say "rather not", the better. */
export function taintTolerationScores({ pod }: Question, feasible: readonly Node[]): number[] {
  const untolerated = (node: Node): number =>
    (node.spec?.taints ?? []).filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerationsTolerateTaint(pod.spec?.tolerations, taint),
    ).length;
  return normalize(feasible.map(untolerated), true);
}

const mebibyte = 1024 * 1024;

/** An image without a tag is `latest`. */
const withTag = (name: string): string => (name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name);

function imagesOf({ spec }: Pod): string[] {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ image }) => image ?? '');
  const volumes = (spec?.volumes ?? []).flatMap(({ image }) => (image === undefined ? [] : [image.reference ?? '']));
  return [...containers, ...volumes].map(withTag);
}

const sizeOn = (node: Node, name: string): number | undefined =>
  node.status?.images?.find((image) => image.names?.includes(name))?.sizeBytes;

/** An image counts by its size and by how many nodes have it already, so that not all pods go where the first one was. */
function imageScore(cluster: ReferenceCluster, node: Node, name: string): number {
  const size = sizeOn(node, name);
  if (size === undefined) return 0;
  const having = cluster.nodes.filter((other) => sizeOn(other, name) !== undefined).length;
  return Math.trunc(size * (having / cluster.nodes.length));
}

/** `image_locality.go`. */
export function imageLocalityScore({ pod, cluster }: Question, node: Node): number {
  const images = imagesOf(pod);
  const total = images.reduce((sum, name) => sum + imageScore(cluster, node, name), 0);
  const [least, most] = [23 * mebibyte, 1000 * mebibyte * images.length];
  return div(100 * (Math.min(Math.max(total, least), most) - least), most - least);
}
