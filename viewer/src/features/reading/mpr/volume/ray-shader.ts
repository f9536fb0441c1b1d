/** One triangle over everything. */
export const vertexShader = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

/**
 * Parallel rays through the volume, front to back. Places are texture coordinates; \`right\` and \`down\` are of one pixel,
 * \`ahead\` of one millimetre.
 */
export const fragmentShader = `#version 300 es
precision highp float;
precision highp sampler3D;
uniform sampler3D values;
uniform sampler2D colours;
uniform vec2 pixels;
uniform vec3 origin;
uniform vec3 right;
uniform vec3 down;
uniform vec3 ahead;
uniform vec3 end;
uniform vec3 texel;
uniform mat3 toPatient;
uniform vec3 looking;
uniform vec2 domain;
uniform float stepLength;
uniform bool greatest;
out vec4 light;

float at(vec3 place) {
  return (texture(values, place).r - domain.x) * domain.y;
}

void main() {
  light = vec4(0.0, 0.0, 0.0, 1.0);
  vec2 pixel = vec2(gl_FragCoord.x - pixels.x * 0.5, pixels.y * 0.5 - gl_FragCoord.y);
  vec3 start = origin + pixel.x * right + pixel.y * down;
  vec3 way = vec3(abs(ahead.x) < 1e-9 ? 1e-9 : ahead.x, abs(ahead.y) < 1e-9 ? 1e-9 : ahead.y, abs(ahead.z) < 1e-9 ? 1e-9 : ahead.z);
  vec3 one = -start / way;
  vec3 other = (end - start) / way;
  vec3 first = min(one, other);
  vec3 last = max(one, other);
  float from = max(first.x, max(first.y, first.z));
  float to = min(last.x, min(last.y, last.z));
  if (to <= from) return;

  if (greatest) {
    float most = -1e30;
    for (float t = from; t <= to; t += stepLength) most = max(most, at(start + t * ahead));
    light.rgb = texture(colours, vec2(clamp(most, 0.0, 1.0), 0.5)).rgb;
    return;
  }

  // Rays that begin at slightly different depths: bands become a fine grain.
  float grain = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453);
  vec3 sum = vec3(0.0);
  float open = 1.0;
  for (float t = from + grain * stepLength; t <= to && open > 0.01; t += stepLength) {
    vec3 place = start + t * ahead;
    float value = at(place);
    if (value <= 0.0) continue;
    vec4 found = texture(colours, vec2(min(value, 1.0), 0.5));
    if (found.a < 0.002) continue;
    float opacity = 1.0 - pow(1.0 - min(found.a, 0.999), stepLength);
    vec3 slope = vec3(
      at(place + vec3(texel.x, 0.0, 0.0)) - at(place - vec3(texel.x, 0.0, 0.0)),
      at(place + vec3(0.0, texel.y, 0.0)) - at(place - vec3(0.0, texel.y, 0.0)),
      at(place + vec3(0.0, 0.0, texel.z)) - at(place - vec3(0.0, 0.0, texel.z)));
    slope = toPatient * slope;
    float steep = length(slope);
    float facing = steep < 1e-6 ? 1.0 : abs(dot(slope / steep, looking));
    vec3 shaded = found.rgb * (0.25 + 0.75 * facing) + 0.12 * pow(facing, 24.0);
    sum += open * opacity * shaded;
    open *= 1.0 - opacity;
  }
  light.rgb = min(sum, 1.0);
}`;
