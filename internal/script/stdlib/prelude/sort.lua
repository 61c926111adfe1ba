-- table.sort with a comparison of the script's. The library's is in C, which a comparison cannot be suspended in: one
-- that waits, or never ends, would hold up every other script. Without a comparison the library's stays.
local error, type = error, type
local sort = table and table.sort

if sort then
	-- small sorts a[from..to] by insertion.
	local function small(a, from, to, less)
		for i = from + 1, to do
			local v, j = a[i], i - 1
			while j >= from and less(v, a[j]) do
				a[j + 1] = a[j]
				j = j - 1
			end
			a[j + 1] = v
		end
	end

	-- merge puts the sorted runs a[from..mid] and a[mid+1..to] into b[from..to].
	local function merge(a, b, from, mid, to, less)
		local i, j = from, mid + 1
		for k = from, to do
			if i <= mid and (j > to or not less(a[j], a[i])) then
				b[k] = a[i]
				i = i + 1
			else
				b[k] = a[j]
				j = j + 1
			end
		end
	end

	local run = 8

	function table.sort(t, less)
		if less == nil or type(t) ~= "table" then
			return sort(t, less)
		end
		if type(less) ~= "function" then
			error("bad argument #2 to 'sort' (function expected, got " .. type(less) .. ")", 2)
		end
		local n = #t
		local a, b = {}, {}
		for i = 1, n do
			a[i] = t[i]
		end
		for from = 1, n, run do
			small(a, from, from + run - 1 < n and from + run - 1 or n, less)
		end
		local width = run
		while width < n do
			for from = 1, n, 2 * width do
				local mid, to = from + width - 1, from + 2 * width - 1
				if to > n then
					to = n
				end
				if mid > n then
					mid = n
				end
				merge(a, b, from, mid, to, less)
			end
			a, b = b, a
			width = 2 * width
		end
		for i = 1, n do
			t[i] = a[i]
		end
	end
end
